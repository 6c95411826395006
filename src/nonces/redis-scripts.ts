/**
 * KEYS, all of one hash tag: 1 the records by id; 2 the id that has each nonce alone; 3 the latest id of each idempotency key; 4 the ids
 * of signed, accepted and vacant records; 5 those of mined ones, by nonce; 6 the highest final nonce, and the turn as "until owner".
 */
const COMMON = `
local records, live, keys, open, mined, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function is_live(s) return s ~= 'vacant' and s ~= 'superseded' end
local function is_over(s) return s == 'final' or s == 'superseded' end

local function find(id)
  local json = redis.call('HGET', records, id)
  if json then return cjson.decode(json) end
end

local function save(record)
  record.updatedAt = now
  local json = cjson.encode(record)
  redis.call('HSET', records, record.id, json)
  local is_mined = record.state == 'mined'
  if is_mined or is_over(record.state) then redis.call('SREM', open, record.id) else redis.call('SADD', open, record.id) end
  if is_mined then redis.call('ZADD', mined, record.nonce, record.id) else redis.call('ZREM', mined, record.id) end
  if is_live(record.state) then
    redis.call('HSET', live, record.nonce, record.id)
  elseif redis.call('HGET', live, record.nonce) == record.id then
    redis.call('HDEL', live, record.nonce)
  end
  if record.state == 'final' then
    redis.call('HSET', state, 'final', math.max(record.nonce, tonumber(redis.call('HGET', state, 'final') or '-1')))
  end
  return json
end
`;

/** One script for each step. They use the server's clock, and are replicated by their effects (Redis 7). */
export const redisScripts = {
  read: `${COMMON}
local id = ARGV[1]
if id == '' and ARGV[2] ~= '' then id = redis.call('HGET', keys, ARGV[2]) or '' end
local final = tonumber(redis.call('HGET', state, 'final') or '-1')
local highest = redis.call('ZREVRANGE', mined, 0, 0, 'WITHSCORES')[2]
local settled, found = math.max(final, tonumber(highest or '-1')), {}
local next = settled
for index, each in ipairs(redis.call('SMEMBERS', open)) do
  local json = redis.call('HGET', records, each)
  local record = cjson.decode(json)
  found[index] = json
  if is_live(record.state) then next = math.max(next, record.nonce) end
end
if ARGV[3] ~= '' then
  for _, each in ipairs(redis.call('ZRANGE', mined, 0, -1)) do table.insert(found, redis.call('HGET', records, each)) end
end
local record = id ~= '' and redis.call('HGET', records, id) or ''
return { now, next + 1, settled + 1, found, record, redis.call('HGET', state, 'turn') or '' }`,

  commit: `${COMMON}
local record = cjson.decode(ARGV[1])
local same = redis.call('HGET', records, record.id)
if same then return { 'committed', same } end
if record.key ~= cjson.null then
  local keyed = find(redis.call('HGET', keys, record.key) or '')
  if keyed and keyed.state ~= 'superseded' then return { 'duplicate', redis.call('HGET', records, keyed.id) } end
end
if redis.call('HEXISTS', live, record.nonce) == 1 then return { 'taken', '' } end
record.createdAt = now
if record.key ~= cjson.null then redis.call('HSET', keys, record.key, record.id) end
return { 'committed', save(record) }`,

  change: `${COMMON}
local record = find(ARGV[1])
if not record or record.version ~= tonumber(ARGV[2]) then return '' end
local change = cjson.decode(ARGV[3])
if change.add then
  if record.state ~= 'signed' and record.state ~= 'accepted' and record.state ~= 'vacant' then return '' end
  table.insert(record.attempts, change.add)
  change.set = { state = 'signed' }
end
local holder = redis.call('HGET', live, record.nonce)
if is_live(change.set.state) and holder and holder ~= record.id then return '' end
for name, value in pairs(change.set) do record[name] = value end
record.version = record.version + 1
return save(record)`,

  turn: `${COMMON}
local until_, owner = string.match(redis.call('HGET', state, 'turn') or '0 ', '^(%d+) (.*)$')
if owner ~= ARGV[1] and tonumber(until_) > now then return 0 end
redis.call('HSET', state, 'turn', string.format('%.0f', now + tonumber(ARGV[2])) .. ' ' .. ARGV[1])
return 1`,

  prune: `${COMMON}
local all, highest, count = redis.call('HVALS', records), -1, 0
for index, json in ipairs(all) do
  all[index] = cjson.decode(json)
  highest = math.max(highest, all[index].nonce)
end
for _, record in ipairs(all) do
  if is_over(record.state) and record.nonce < highest and record.updatedAt <= now - tonumber(ARGV[1]) then
    redis.call('HDEL', records, record.id)
    if redis.call('HGET', live, record.nonce) == record.id then redis.call('HDEL', live, record.nonce) end
    if record.key ~= cjson.null and redis.call('HGET', keys, record.key) == record.id then redis.call('HDEL', keys, record.key) end
    count = count + 1
  end
end
return count`,
} as const;
