// A PKCS#11 module for tests: it passes every call on to a real module, except for the faults that a test asks for.
//
// The test and the shim share one file, "<path of this library>.control", which both map or write while calls run. It
// begins with the path of the real module; 64-bit words follow, whose positions are in the generated layout.h: one record
// for each steerable function (its fault, then its counters), the module's own counters, and one row for each process
// that has loaded the library. Nothing is read from the environment, so one process may use several shims at once.
//
// Faults that hold a call back (delay, hang) do so on the thread of the call, before the real module is entered. Calls that
// take away what other calls are using (closing, logging out, deleting, finalising) wait until no call is inside the real
// module: such use is legal with CKF_OS_LOCKING_OK (PKCS#11 v2.40, section 5.4), but SoftHSM2 crashes on it.
//
// Types and the order of CK_FUNCTION_LIST follow OASIS PKCS#11 Base Specification v2.40, sections 3 and 5.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "layout.h"

typedef unsigned char CK_BYTE;
typedef unsigned char CK_BBOOL;
typedef unsigned long CK_ULONG;
typedef CK_ULONG CK_RV;
typedef CK_ULONG CK_FLAGS;
typedef CK_ULONG CK_SLOT_ID;
typedef CK_ULONG CK_SESSION_HANDLE;
typedef CK_ULONG CK_OBJECT_HANDLE;
typedef struct { CK_ULONG type; void *value; CK_ULONG length; } CK_ATTRIBUTE;
typedef struct { CK_ULONG mechanism; void *parameter; CK_ULONG length; } CK_MECHANISM;

enum {
  CKR_OK = 0, CKR_GENERAL_ERROR = 5, CKR_ARGUMENTS_BAD = 7, CKR_DEVICE_MEMORY = 0x31, CKR_OBJECT_HANDLE_INVALID = 0x82,
  CKR_SESSION_CLOSED = 0xb0, CKR_SESSION_HANDLE_INVALID = 0xb3, CKR_TEMPLATE_INCONSISTENT = 0xd1
};
enum { CKF_PROTECTED_AUTHENTICATION_PATH = 0x100 };
enum { CKA_CLASS = 0, CKA_KEY_TYPE = 0x100, CKO_PUBLIC_KEY = 2, CKO_PRIVATE_KEY = 3, CKK_EC = 3 };

enum position {
  AT_C_Initialize, AT_C_Finalize, AT_C_GetInfo, AT_C_GetFunctionList, AT_C_GetSlotList, AT_C_GetSlotInfo,
  AT_C_GetTokenInfo, AT_C_GetMechanismList, AT_C_GetMechanismInfo, AT_C_InitToken, AT_C_InitPIN, AT_C_SetPIN,
  AT_C_OpenSession, AT_C_CloseSession, AT_C_CloseAllSessions, AT_C_GetSessionInfo, AT_C_GetOperationState,
  AT_C_SetOperationState, AT_C_Login, AT_C_Logout, AT_C_CreateObject, AT_C_CopyObject, AT_C_DestroyObject,
  AT_C_GetObjectSize, AT_C_GetAttributeValue, AT_C_SetAttributeValue, AT_C_FindObjectsInit, AT_C_FindObjects,
  AT_C_FindObjectsFinal, AT_C_EncryptInit, AT_C_Encrypt, AT_C_EncryptUpdate, AT_C_EncryptFinal, AT_C_DecryptInit,
  AT_C_Decrypt, AT_C_DecryptUpdate, AT_C_DecryptFinal, AT_C_DigestInit, AT_C_Digest, AT_C_DigestUpdate, AT_C_DigestKey,
  AT_C_DigestFinal, AT_C_SignInit, AT_C_Sign, AT_C_SignUpdate, AT_C_SignFinal, AT_C_SignRecoverInit, AT_C_SignRecover,
  AT_C_VerifyInit, AT_C_Verify, AT_C_VerifyUpdate, AT_C_VerifyFinal, AT_C_VerifyRecoverInit, AT_C_VerifyRecover,
  AT_C_DigestEncryptUpdate, AT_C_DecryptDigestUpdate, AT_C_SignEncryptUpdate, AT_C_DecryptVerifyUpdate,
  AT_C_GenerateKey, AT_C_GenerateKeyPair, AT_C_WrapKey, AT_C_UnwrapKey, AT_C_DeriveKey, AT_C_SeedRandom,
  AT_C_GenerateRandom, AT_C_GetFunctionStatus, AT_C_CancelFunction, AT_C_WaitForSlotEvent, FUNCTION_LIST_LENGTH
};

typedef void (*CK_FUNCTION)(void);
typedef struct { CK_BYTE major, minor; } CK_VERSION;
typedef struct { CK_VERSION version; CK_FUNCTION functions[FUNCTION_LIST_LENGTH]; } CK_FUNCTION_LIST;

static const CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST shim;
static _Atomic uint64_t *words;
static _Atomic uint64_t *row;

#define REAL(name, params) ((CK_RV(*) params)real->functions[AT_##name])

// ---------------------------------------------------------------- the shared file

static _Atomic uint64_t *field(int function, int offset) { return &words[function * RECORD_LENGTH + offset]; }

static void raise_to(_Atomic uint64_t *maximum, uint64_t value) {
  uint64_t seen = atomic_load(maximum);
  while (seen < value && !atomic_compare_exchange_weak(maximum, &seen, value)) {}
}

// Takes one from a counter unless it is used up.
static int take(_Atomic uint64_t *counter) {
  uint64_t seen = atomic_load(counter);
  while (seen > 0) if (atomic_compare_exchange_weak(counter, &seen, seen - 1)) return 1;
  return 0;
}

static uint32_t random_number(void) {
  static _Thread_local uint64_t state;
  if (state == 0) state = (uint64_t)(uintptr_t)&state ^ (uint64_t)time(NULL) ^ ((uint64_t)getpid() << 32) ^ 0x9e3779b97f4a7c15u;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 16);
}

static void sleep_ms(uint64_t ms) {
  struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
  while (nanosleep(&left, &left) == -1 && errno == EINTR) {}
}

// ---------------------------------------------------------------- faults

static int is_armed(int function) { return atomic_load(field(function, FAULT_armed)) != 0; }

static int fault_hits(int function) {
  if (!is_armed(function)) return 0;
  if (take(field(function, FAULT_skip))) return 0;
  if (random_number() % 1000 >= atomic_load(field(function, FAULT_permille))) return 0;
  if (!take(field(function, FAULT_remaining))) return 0;
  atomic_fetch_add(field(function, STAT_hits), 1);
  return 1;
}

static void hold(int function, uint64_t delay, uint64_t hang) {
  if (delay == 0 && hang == 0) return;
  atomic_fetch_add(&row[ROW_held], 1);
  sleep_ms(delay);
  // In small steps, so that the test releases every hung call by taking the fault away.
  for (uint64_t waited = 0; waited < hang && is_armed(function) && atomic_load(field(function, FAULT_hangMs)) != 0; waited += 2) sleep_ms(2);
  atomic_fetch_sub(&row[ROW_held], 1);
}

static void crash(void) {
  // An access rather than raise(): V8's own handler passes on a fault that happens again, and swallows a mere signal.
  int *volatile nowhere = NULL;
  *(volatile int *)nowhere = 1;
}

// Lives through what the fault of this function does before the call. Gives the value to return instead of calling, or
// CKR_OK; `answer` says what is to be done to a signature.
static CK_RV suffer(int function, uint64_t *answer) {
  // The foreign key is chosen when the operation begins, by C_SignInit.
  if (function == FN_C_Sign && atomic_load(field(function, FAULT_answer)) == ANSWER_foreignKey) return CKR_OK;
  if (!fault_hits(function)) return CKR_OK;
  *answer = atomic_load(field(function, FAULT_answer));
  CK_RV value = (CK_RV)atomic_load(field(function, FAULT_returnValue));
  int crashes = atomic_load(field(function, FAULT_crash)) != 0;
  hold(function, atomic_load(field(function, FAULT_delayMs)), atomic_load(field(function, FAULT_hangMs)));
  if (crashes) crash();
  return value;
}

// ---------------------------------------------------------------- sessions

// What this process has open. A session takes one call at a time, and one operation at a time.
// Its handle is the real module's, unless the module has the habit of giving handles out again.
typedef struct { CK_SESSION_HANDLE handle, real; CK_SLOT_ID slot; int calls, signing, searching; CK_ULONG found; } SESSION;

enum { MAX_SESSIONS = 8192 };
static SESSION sessions[MAX_SESSIONS];
static _Atomic uint64_t searches_open, searches_begun, changes_open;
static int session_count;
static pthread_mutex_t sessions_mutex = PTHREAD_MUTEX_INITIALIZER;

static void count_sessions(int count) {
  session_count = count;
  atomic_store(&row[ROW_sessions], (uint64_t)count);
  raise_to(&words[STAT_mostSessions], (uint64_t)count);
}

static SESSION *find_session(CK_SESSION_HANDLE handle) {
  for (int i = 0; i < session_count; i += 1) if (sessions[i].handle == handle) return &sessions[i];
  return NULL;
}

// The slot whose token is in the place of `slot`.
static CK_SLOT_ID placed(CK_SLOT_ID slot) {
  CK_SLOT_ID one = atomic_load(&words[CONTROL_swapped]), other = atomic_load(&words[CONTROL_swapped + 1]);
  return slot == one ? other : slot == other ? one : slot;
}

static int has(int habit) { return atomic_load(&words[habit]) != 0; }

// Gives the session's handle.
static CK_SESSION_HANDLE session_opened(CK_SESSION_HANDLE real, CK_SLOT_ID slot) {
  CK_SESSION_HANDLE handle = real;
  pthread_mutex_lock(&sessions_mutex);
  if (has(HABIT_reusedSessions)) for (handle = 1; find_session(handle) != NULL;) handle += 1;
  if (session_count < MAX_SESSIONS) {
    sessions[session_count] = (SESSION){.handle = handle, .real = real, .slot = slot};
    count_sessions(session_count + 1);
  }
  pthread_mutex_unlock(&sessions_mutex);
  return handle;
}

// The real module's handle; 0, which is never one, where this process has no such session.
static CK_SESSION_HANDLE real_session(CK_SESSION_HANDLE handle) {
  pthread_mutex_lock(&sessions_mutex);
  SESSION *session = find_session(handle);
  CK_SESSION_HANDLE known = session == NULL ? has(HABIT_reusedSessions) ? 0 : handle : session->real;
  pthread_mutex_unlock(&sessions_mutex);
  return known;
}

// Drops one session, or with `handle` 0 all those of `slot`, or with `slot` NULL as well all there are.
static void sessions_closed(CK_SESSION_HANDLE handle, const CK_SLOT_ID *slot) {
  pthread_mutex_lock(&sessions_mutex);
  int kept = 0;
  for (int i = 0; i < session_count; i += 1) {
    int closed = handle != 0 ? sessions[i].handle == handle : slot == NULL || sessions[i].slot == *slot;
    if (!closed) sessions[kept++] = sessions[i];
    else if (sessions[i].searching) atomic_fetch_sub(&searches_open, 1);
  }
  count_sessions(kept);
  pthread_mutex_unlock(&sessions_mutex);
}

static void session_entered(CK_SESSION_HANDLE handle, int function) {
  pthread_mutex_lock(&sessions_mutex);
  SESSION *session = find_session(handle);
  if (session != NULL) {
    if (session->calls > 0) atomic_fetch_add(&words[function == FN_C_CloseSession ? STAT_closedInUse : STAT_overlaps], 1);
    int begins = function == FN_C_SignInit || function == FN_C_FindObjectsInit;
    if (begins && session->signing) atomic_fetch_add(&words[STAT_interleavings], 1);
    session->calls += 1;
  }
  pthread_mutex_unlock(&sessions_mutex);
}

static void session_left(CK_SESSION_HANDLE handle, int function, CK_RV rv) {
  pthread_mutex_lock(&sessions_mutex);
  SESSION *session = find_session(handle);
  if (session != NULL) {
    session->calls -= 1;
    if (function == FN_C_SignInit && rv == CKR_OK) session->signing = 1;
    if (function == FN_C_Sign) session->signing = 0;
  }
  pthread_mutex_unlock(&sessions_mutex);
}

// ---------------------------------------------------------------- each call

static pthread_rwlock_t inside_real;
static _Atomic uint64_t inside[FUNCTION_COUNT];

static int takes_away(int function) {
  return function == FN_C_Finalize || function == FN_C_CloseSession || function == FN_C_CloseAllSessions ||
         function == FN_C_Logout || function == FN_C_DestroyObject;
}

// A module that says that a session is closed has closed it.
static int says_closed(CK_RV rv) { return rv == CKR_SESSION_CLOSED || rv == CKR_SESSION_HANDLE_INVALID; }

static CK_RV begin(int function, CK_SESSION_HANDLE session, uint64_t *answer) {
  atomic_fetch_add(field(function, STAT_calls), 1);
  raise_to(field(function, STAT_mostInside), atomic_fetch_add(&inside[function], 1) + 1);
  if (session != 0) session_entered(session, function);
  CK_RV rv = suffer(function, answer);
  int loses = session != 0 && says_closed(rv);
  if (loses || takes_away(function)) pthread_rwlock_wrlock(&inside_real);
  else pthread_rwlock_rdlock(&inside_real);
  CK_SESSION_HANDLE lost = loses ? real_session(session) : 0;
  if (lost != 0) {
    REAL(C_CloseSession, (CK_SESSION_HANDLE a))(lost);
    sessions_closed(session, NULL);
  }
  return rv;
}

static void end(int function, CK_SESSION_HANDLE session, CK_RV rv) {
  if (session != 0) session_left(session, function, rv);
  pthread_rwlock_unlock(&inside_real);
  atomic_fetch_sub(&inside[function], 1);
}

// A function that is passed on as it is.
#define PASS(name, params, args)                                 \
  static CK_RV name params {                                     \
    uint64_t answer = 0;                                         \
    CK_RV rv = begin(FN_##name, 0, &answer);                     \
    if (rv == CKR_OK) rv = REAL(name, params) args;              \
    end(FN_##name, 0, rv);                                       \
    return rv;                                                   \
  }

// The same in the session `a`. `ready` is done before the call, `done` after one that succeeded.
#define PASS_IN(name, params, args, ready, done) PASS_IN_AS(name, name, params, args, ready, done)
#define PASS_IN_AS(wrapper, name, params, args, ready, done)     \
  static CK_RV wrapper params {                                  \
    uint64_t answer = 0;                                         \
    CK_SESSION_HANDLE handle = a;                                \
    CK_RV rv = begin(FN_##name, handle, &answer);                \
    if (rv == CKR_OK) rv = in_session(&a);                       \
    if (rv == CKR_OK) { ready; }                                 \
    if (rv == CKR_OK) rv = REAL(name, params) args;              \
    if (rv == CKR_OK) { done; }                                  \
    end(FN_##name, handle, rv);                                  \
    return rv;                                                   \
  }

// The same, of a call that makes objects.
#define PASS_MAKING(name, params, args, ready, done)             \
  static CK_RV making_##name params;                             \
  static CK_RV name params {                                     \
    CHANGE change = change_begins();                             \
    return change_ends(change, change.refused ? CKR_DEVICE_MEMORY : making_##name args); \
  }                                                              \
  PASS_IN_AS(making_##name, name, params, args, ready, done)

// Puts the real module's handle in the place of the session's.
static CK_RV in_session(CK_SESSION_HANDLE *session) {
  *session = real_session(*session);
  return *session == 0 ? CKR_SESSION_HANDLE_INVALID : CKR_OK;
}

// ---------------------------------------------------------------- objects

enum { MAX_OBJECTS = 16384 };
// The real module's handles of those that were given out, by handle, from 1; 0 where one is free again.
static CK_OBJECT_HANDLE objects[MAX_OBJECTS + 1];
static pthread_mutex_t objects_mutex = PTHREAD_MUTEX_INITIALIZER;

// Puts the handle that this module gives out in the place of the real module's.
static void object_given(CK_OBJECT_HANDLE *object) {
  if (!has(HABIT_reusedObjects)) return;
  pthread_mutex_lock(&objects_mutex);
  CK_OBJECT_HANDLE handle = 1;
  while (handle < MAX_OBJECTS && objects[handle] != *object) handle += 1;
  if (objects[handle] != *object) for (handle = 1; handle < MAX_OBJECTS && objects[handle] != 0;) handle += 1;
  objects[handle] = *object;
  *object = handle;
  pthread_mutex_unlock(&objects_mutex);
}

static CK_OBJECT_HANDLE real_object(CK_OBJECT_HANDLE handle) {
  if (!has(HABIT_reusedObjects)) return handle;
  pthread_mutex_lock(&objects_mutex);
  CK_OBJECT_HANDLE known = handle > MAX_OBJECTS ? 0 : objects[handle];
  pthread_mutex_unlock(&objects_mutex);
  return known;
}

// Takes the real module's handle `object` back, or, of 0, all.
static void objects_gone(CK_OBJECT_HANDLE object) {
  pthread_mutex_lock(&objects_mutex);
  for (int handle = 1; handle <= MAX_OBJECTS; handle += 1) if (object == 0 || objects[handle] == object) objects[handle] = 0;
  pthread_mutex_unlock(&objects_mutex);
}

// ---------------------------------------------------------------- searches and changes

typedef struct { uint64_t begun; int refused, spoilt; } CHANGE;

static CHANGE change_begins(void) {
  int isSecond = atomic_fetch_add(&changes_open, 1) > 0;
  return (CHANGE){
    .begun = atomic_load(&searches_begun),
    .refused = isSecond && has(HABIT_slowerWriterFails),
    .spoilt = has(HABIT_searchesSpoil) && atomic_load(&searches_open) > 0,
  };
}

static CK_RV change_ends(CHANGE change, CK_RV rv) {
  int spoilt = change.spoilt || (has(HABIT_searchesSpoil) && atomic_load(&searches_begun) != change.begun);
  atomic_fetch_sub(&changes_open, 1);
  return rv == CKR_OK && spoilt ? CKR_TEMPLATE_INCONSISTENT : rv;
}

static CK_RV search_begins(CK_SESSION_HANDLE handle) {
  atomic_fetch_add(&searches_begun, 1);
  if (has(HABIT_searchesSpoil) && atomic_load(&changes_open) > 0) return CKR_GENERAL_ERROR;
  pthread_mutex_lock(&sessions_mutex);
  SESSION *session = find_session(handle);
  if (session != NULL && !session->searching) {
    session->searching = 1;
    session->found = 0;
    atomic_fetch_add(&searches_open, 1);
  }
  pthread_mutex_unlock(&sessions_mutex);
  return CKR_OK;
}

static void search_ends(CK_SESSION_HANDLE handle) {
  pthread_mutex_lock(&sessions_mutex);
  SESSION *session = find_session(handle);
  if (session != NULL && session->searching) {
    session->searching = 0;
    atomic_fetch_sub(&searches_open, 1);
  }
  pthread_mutex_unlock(&sessions_mutex);
}

// How many objects this search may still find.
static CK_ULONG still_found(CK_SESSION_HANDLE handle, CK_ULONG capacity, CK_ULONG found) {
  CK_ULONG left = capacity;
  pthread_mutex_lock(&sessions_mutex);
  SESSION *session = find_session(handle);
  if (session != NULL) {
    session->found += found;
    if (has(HABIT_tenPerSearch) && left > 10 - session->found) left = 10 - session->found;
  }
  pthread_mutex_unlock(&sessions_mutex);
  return left;
}

// ---------------------------------------------------------------- functions

static void type_pin(CK_BYTE **pin, CK_ULONG *length) {
  if (has(HABIT_slowLogin)) sleep_ms(200);
  if (!has(HABIT_pinPad) || *length > 0) return;
  *pin = (CK_BYTE *)TYPED_PIN;
  *length = strlen(TYPED_PIN);
}

// After the object was made: the token shows what it refused.
static CK_RV refuse_public(CK_ATTRIBUTE *template, CK_ULONG count) {
  for (CK_ULONG i = 0; i < count; i += 1)
    if (template[i].type == CKA_CLASS && *(CK_ULONG *)template[i].value == CKO_PUBLIC_KEY && has(HABIT_virtualPublicKeys))
      return CKR_TEMPLATE_INCONSISTENT;
  return CKR_OK;
}

PASS(C_GetSlotList, (CK_BBOOL a, CK_SLOT_ID *b, CK_ULONG *c), (a, b, c))
PASS(C_GetMechanismList, (CK_SLOT_ID a, CK_ULONG *b, CK_ULONG *c), (a, b, c))
PASS(C_GetMechanismInfo, (CK_SLOT_ID a, CK_ULONG b, void *c), (a, b, c))
PASS_IN(C_GetSessionInfo, (CK_SESSION_HANDLE a, void *b), (a, b), , )
PASS_IN(C_Login, (CK_SESSION_HANDLE a, CK_ULONG b, CK_BYTE *c, CK_ULONG d), (a, b, c, d), type_pin(&c, &d), )
PASS_IN(C_InitPIN, (CK_SESSION_HANDLE a, CK_BYTE *b, CK_ULONG c), (a, b, c), , )
PASS_IN(C_GenerateKey, (CK_SESSION_HANDLE a, CK_MECHANISM *b, CK_ATTRIBUTE *c, CK_ULONG d, CK_OBJECT_HANDLE *e), (a, b, c, d, e), , object_given(e))
PASS_IN(C_SetAttributeValue, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b, CK_ATTRIBUTE *c, CK_ULONG d), (a, b, c, d), b = real_object(b), )
PASS_IN(C_Logout, (CK_SESSION_HANDLE a), (a), , objects_gone(0))
PASS_IN(C_DestroyObject, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b), (a, b), b = real_object(b), objects_gone(b))
PASS_IN(C_GetAttributeValue, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b, CK_ATTRIBUTE *c, CK_ULONG d), (a, b, c, d), b = real_object(b), )
PASS_IN(C_FindObjectsInit, (CK_SESSION_HANDLE a, CK_ATTRIBUTE *b, CK_ULONG c), (a, b, c), rv = search_begins(handle), )
PASS_IN(C_FindObjectsFinal, (CK_SESSION_HANDLE a), (a), search_ends(handle), )
PASS_MAKING(C_CreateObject, (CK_SESSION_HANDLE a, CK_ATTRIBUTE *b, CK_ULONG c, CK_OBJECT_HANDLE *d), (a, b, c, d), , (object_given(d), rv = refuse_public(b, c)))
PASS_MAKING(C_GenerateKeyPair, (CK_SESSION_HANDLE a, CK_MECHANISM *b, CK_ATTRIBUTE *c, CK_ULONG d, CK_ATTRIBUTE *e, CK_ULONG f, CK_OBJECT_HANDLE *g, CK_OBJECT_HANDLE *h), (a, b, c, d, e, f, g, h), , (object_given(g), object_given(h)))
PASS_MAKING(C_UnwrapKey, (CK_SESSION_HANDLE a, CK_MECHANISM *b, CK_OBJECT_HANDLE c, CK_BYTE *d, CK_ULONG e, CK_ATTRIBUTE *f, CK_ULONG g, CK_OBJECT_HANDLE *h), (a, b, c, d, e, f, g, h), c = real_object(c), object_given(h))

#define PARAMS_C_Initialize (void *arguments)
#define PARAMS_C_GetTokenInfo (CK_SLOT_ID slot, CK_BYTE *info)
#define PARAMS_C_Finalize (void *reserved)
#define PARAMS_C_OpenSession (CK_SLOT_ID slot, CK_FLAGS flags, void *application, void *notify, CK_SESSION_HANDLE *session)
#define PARAMS_C_CloseSession (CK_SESSION_HANDLE session)
#define PARAMS_C_CloseAllSessions (CK_SLOT_ID slot)
#define PARAMS_C_SignInit (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
#define PARAMS_C_Sign (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *signature, CK_ULONG *signature_length)
#define PARAMS_C_FindObjectsInit (CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count)
#define PARAMS_C_FindObjects (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG capacity, CK_ULONG *count)

// CK_C_INITIALIZE_ARGS: four functions, the flags, pReserved; NSS has its LibraryParameters before the last.
static CK_RV C_Initialize PARAMS_C_Initialize {
  uint64_t answer = 0;
  CK_RV rv = begin(FN_C_Initialize, 0, &answer);
  int has_parameters = arguments != NULL && ((void **)arguments)[5] != NULL;
  if (rv == CKR_OK && has(HABIT_needsParameters) && !has_parameters) rv = CKR_ARGUMENTS_BAD;
  if (rv == CKR_OK) {
    void *plain[6] = {0};
    if (arguments != NULL) memcpy(plain, arguments, 5 * sizeof(void *));
    rv = REAL(C_Initialize, PARAMS_C_Initialize)(arguments == NULL ? NULL : plain);
  }
  end(FN_C_Initialize, 0, rv);
  return rv;
}

// CK_TOKEN_INFO: its flags follow four texts, of 96 bytes in all.
static CK_RV C_GetTokenInfo PARAMS_C_GetTokenInfo {
  uint64_t answer = 0;
  CK_RV rv = begin(FN_C_GetTokenInfo, 0, &answer);
  if (rv == CKR_OK) rv = REAL(C_GetTokenInfo, PARAMS_C_GetTokenInfo)(placed(slot), info);
  if (rv == CKR_OK && has(HABIT_pinPad)) *(CK_FLAGS *)(info + 96) |= CKF_PROTECTED_AUTHENTICATION_PATH;
  end(FN_C_GetTokenInfo, 0, rv);
  return rv;
}

static CK_RV C_FindObjects PARAMS_C_FindObjects {
  uint64_t answer = 0;
  CK_SESSION_HANDLE handle = session;
  CK_RV rv = begin(FN_C_FindObjects, handle, &answer);
  if (rv == CKR_OK) rv = in_session(&session);
  if (rv == CKR_OK) rv = REAL(C_FindObjects, PARAMS_C_FindObjects)(session, objects, still_found(handle, capacity, 0), count);
  if (rv == CKR_OK) {
    still_found(handle, 0, *count);
    for (CK_ULONG i = 0; i < *count; i += 1) object_given(&objects[i]);
  }
  end(FN_C_FindObjects, handle, rv);
  return rv;
}

static CK_RV C_Finalize PARAMS_C_Finalize {
  uint64_t answer = 0;
  CK_RV rv = begin(FN_C_Finalize, 0, &answer);
  if (rv == CKR_OK && (rv = REAL(C_Finalize, PARAMS_C_Finalize)(reserved)) == CKR_OK) sessions_closed(0, NULL), objects_gone(0);
  end(FN_C_Finalize, 0, rv);
  return rv;
}

static CK_RV C_OpenSession PARAMS_C_OpenSession {
  uint64_t answer = 0;
  CK_RV rv = begin(FN_C_OpenSession, 0, &answer);
  slot = placed(slot);
  if (rv == CKR_OK) rv = REAL(C_OpenSession, PARAMS_C_OpenSession)(slot, flags, application, notify, session);
  if (rv == CKR_OK) *session = session_opened(*session, slot);
  end(FN_C_OpenSession, 0, rv);
  return rv;
}

static CK_RV C_CloseSession PARAMS_C_CloseSession {
  uint64_t answer = 0;
  CK_RV rv = begin(FN_C_CloseSession, session, &answer);
  // A close that the real module refuses was of a session that it no longer has.
  CK_SESSION_HANDLE closed = session;
  if (rv == CKR_OK) rv = in_session(&closed);
  if (rv == CKR_OK) {
    rv = REAL(C_CloseSession, PARAMS_C_CloseSession)(closed);
    sessions_closed(session, NULL);
  }
  end(FN_C_CloseSession, session, rv);
  return rv;
}

static CK_RV C_CloseAllSessions PARAMS_C_CloseAllSessions {
  uint64_t answer = 0;
  CK_RV rv = begin(FN_C_CloseAllSessions, 0, &answer);
  if (rv == CKR_OK && (rv = REAL(C_CloseAllSessions, PARAMS_C_CloseAllSessions)(slot)) == CKR_OK) sessions_closed(0, &slot), objects_gone(0);
  end(FN_C_CloseAllSessions, 0, rv);
  return rv;
}

// ---------------------------------------------------------------- signing

// Does once, inside this process, what another user of the module might do: the test asks for it, also where the module runs
// in a process that the test has no other way into.
static void suffer_other_user(CK_SESSION_HANDLE handle) {
  uint64_t action = atomic_load(&words[CONTROL_otherUser]);
  if (action == 0 || !atomic_compare_exchange_strong(&words[CONTROL_otherUser], &action, 0)) return;
  pthread_mutex_lock(&sessions_mutex);
  SESSION *session = find_session(handle);
  CK_SLOT_ID slot = session == NULL ? 0 : session->slot;
  pthread_mutex_unlock(&sessions_mutex);
  pthread_rwlock_wrlock(&inside_real);
  objects_gone(0);
  if (action == OTHER_USER_closeAllSessions && session != NULL) {
    REAL(C_CloseAllSessions, PARAMS_C_CloseAllSessions)(slot);
    sessions_closed(0, &slot);
  } else if (action == OTHER_USER_logout) {
    REAL(C_Logout, (CK_SESSION_HANDLE a))(real_session(handle));
  } else if (action == OTHER_USER_finalize) {
    REAL(C_Finalize, PARAMS_C_Finalize)(NULL);
    sessions_closed(0, NULL);
  }
  pthread_rwlock_unlock(&inside_real);
  atomic_fetch_add(&words[STAT_otherUserActions], 1);
}

// Another private EC key of the token, or the same one where there is none.
static CK_OBJECT_HANDLE foreign_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE own) {
  CK_ULONG class = CKO_PRIVATE_KEY, type = CKK_EC, found = 0;
  CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}};
  CK_OBJECT_HANDLE objects[2];
  if (REAL(C_FindObjectsInit, PARAMS_C_FindObjectsInit)(session, template, 2) != CKR_OK) return own;
  if (REAL(C_FindObjects, PARAMS_C_FindObjects)(session, objects, 2, &found) != CKR_OK) found = 0;
  REAL(C_FindObjectsFinal, (CK_SESSION_HANDLE a))(session);
  for (CK_ULONG i = 0; i < found; i += 1) if (objects[i] != own) return objects[i];
  return own;
}

static CK_RV C_SignInit PARAMS_C_SignInit {
  suffer_other_user(session);
  uint64_t answer = 0;
  CK_RV rv = begin(FN_C_SignInit, session, &answer);
  int foreign = atomic_load(field(FN_C_Sign, FAULT_answer)) == ANSWER_foreignKey && fault_hits(FN_C_Sign);
  CK_SESSION_HANDLE handle = session;
  if (rv == CKR_OK) rv = in_session(&session);
  if (rv == CKR_OK) {
    key = real_object(key);
    rv = REAL(C_SignInit, PARAMS_C_SignInit)(session, mechanism, foreign ? foreign_key(session, key) : key);
  }
  end(FN_C_SignInit, handle, rv);
  return rv;
}

static pthread_mutex_t swap_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t swap_done = PTHREAD_COND_INITIALIZER;
static CK_BYTE *swap_waiting;

// Exchanges two signatures of 64 bytes that are ready at the same time. One that nobody joins for a while stays as it is.
static void swap(CK_BYTE *signature) {
  pthread_mutex_lock(&swap_mutex);
  if (swap_waiting != NULL) {
    for (int i = 0; i < 64; i += 1) {
      CK_BYTE byte = swap_waiting[i];
      swap_waiting[i] = signature[i];
      signature[i] = byte;
    }
    swap_waiting = NULL;
    atomic_fetch_add(&words[STAT_swaps], 1);
    pthread_cond_broadcast(&swap_done);
  } else {
    swap_waiting = signature;
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_nsec += 100 * 1000000;
    if (limit.tv_nsec >= 1000000000) limit.tv_sec += 1, limit.tv_nsec -= 1000000000;
    while (swap_waiting == signature && pthread_cond_timedwait(&swap_done, &swap_mutex, &limit) == 0) {}
    if (swap_waiting == signature) swap_waiting = NULL;
  }
  pthread_mutex_unlock(&swap_mutex);
}

static void falsify(uint64_t answer, CK_BYTE *signature, CK_ULONG *length, CK_ULONG capacity) {
  if (*length != 64 || capacity < 65) return;
  if (answer == ANSWER_garbage) for (int i = 0; i < 64; i += 1) signature[i] = (CK_BYTE)random_number();
  if (answer == ANSWER_zero) memset(signature, 0, 64);
  if (answer == ANSWER_short) *length = 63;
  if (answer == ANSWER_empty) *length = 0;
  if (answer == ANSWER_long) signature[64] = 0, *length = 65;
  if (answer == ANSWER_swapped) swap(signature);
}

static CK_RV C_Sign PARAMS_C_Sign {
  uint64_t answer = 0;
  CK_ULONG capacity = *signature_length;
  CK_SESSION_HANDLE handle = session;
  CK_RV rv = begin(FN_C_Sign, handle, &answer);
  if (rv == CKR_OK) rv = in_session(&session);
  if (rv == CKR_OK) {
    CK_BYTE other[64];
    if (answer == ANSWER_foreignDigest && length <= sizeof other) {
      memcpy(other, data, length);
      other[0] ^= 1;
      data = other;
    }
    rv = REAL(C_Sign, PARAMS_C_Sign)(session, data, length, signature, signature_length);
  }
  end(FN_C_Sign, handle, rv);
  if (rv == CKR_OK && signature != NULL) falsify(answer, signature, signature_length, capacity);
  return rv;
}

// ---------------------------------------------------------------- loading

static int claim_row(void) {
  for (int i = 0; i < PROCESS_COUNT; i += 1) {
    _Atomic uint64_t *candidate = &words[PROCESSES + i * ROW_LENGTH];
    uint64_t owner = atomic_load(&candidate[ROW_pid]);
    int is_free = owner == 0 || (kill((pid_t)owner, 0) == -1 && errno == ESRCH);
    if (!is_free || !atomic_compare_exchange_strong(&candidate[ROW_pid], &owner, (uint64_t)getpid())) continue;
    atomic_store(&candidate[ROW_sessions], 0);
    atomic_store(&candidate[ROW_held], 0);
    row = candidate;
    return 1;
  }
  return 0;
}

static const char *load(void) {
  Dl_info self;
  char path[4096];
  if (dladdr((void *)(uintptr_t)&load, &self) == 0) return "its own path is unknown";
  snprintf(path, sizeof path, "%s.control", self.dli_fname);
  int file = open(path, O_RDWR);
  if (file == -1) return "there is no control file beside it";
  void *mapped = mmap(NULL, CONTROL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (mapped == MAP_FAILED) return "its control file cannot be mapped";
  words = (_Atomic uint64_t *)((char *)mapped + PATH_SIZE);
  if (!claim_row()) return "too many processes have loaded it";

  void *library = dlopen((const char *)mapped, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return dlerror();
  CK_RV (*get_list)(const CK_FUNCTION_LIST **) = (CK_RV(*)(const CK_FUNCTION_LIST **))dlsym(library, "C_GetFunctionList");
  if (get_list == NULL || get_list(&real) != CKR_OK) return "the real module has no function list";

  pthread_rwlockattr_t attributes;
  pthread_rwlockattr_init(&attributes);
#ifdef __GLIBC__
  // A close must get its turn while signatures never pause.
  pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
#endif
  pthread_rwlock_init(&inside_real, &attributes);
  return NULL;
}

static const char *load_error;

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list);

static void load_once(void) {
  load_error = load();
  if (load_error != NULL) {
    fprintf(stderr, "PKCS#11 shim: %s\n", load_error);
    return;
  }
  shim = *real;
#define STEER(name) shim.functions[AT_##name] = (CK_FUNCTION)name;
  STEERABLE(STEER)
  shim.functions[AT_C_GetFunctionList] = (CK_FUNCTION)C_GetFunctionList;
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load_once);
  if (load_error != NULL) return CKR_GENERAL_ERROR;
  *list = &shim;
  return CKR_OK;
}
