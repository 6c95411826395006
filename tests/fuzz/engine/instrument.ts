import ts from "typescript";

/** A branch of the source: what the counter of the same number counts. */
export interface Branch {
  /** `src/core/signature.ts:24`. */
  readonly place: string;
}

/**
 * JavaScript of a TypeScript file that counts each branch it takes: functions, both ways of every condition, right sides of
 * `&&`, `||` and `??`, cases, loops and catch clauses.
 *
 * @param branches gets one entry for each counter, whose number is its index.
 * @param words gets the literals of the file: mutations try them.
 */
export function instrument(
  source: string,
  { name, hitsPath, branches, words }: { name: string; hitsPath: string; branches: Branch[]; words: Set<string> },
): string {
  const { outputText } = ts.transpileModule(source, {
    fileName: name,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
    },
    transformers: { before: [counting(name, branches, words)] },
  });
  return `import { hits as __hits } from ${JSON.stringify(hitsPath)};\n${outputText}`;
}

function counting(name: string, branches: Branch[], words: Set<string>): ts.TransformerFactory<ts.SourceFile> {
  return (context) => (file) => {
    const { factory } = context;

    const count = (node: ts.Node): ts.Expression => {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
      const counter = branches.push({ place: `${name}:${line + 1}` }) - 1;
      return factory.createPostfixIncrement(
        factory.createElementAccessExpression(factory.createIdentifier("__hits"), counter),
      );
    };
    const counted = (at: ts.Node, expression: ts.Expression) =>
      factory.createParenthesizedExpression(factory.createComma(count(at), expression));
    const statement = (at: ts.Node) => factory.createExpressionStatement(count(at));
    const block = (at: ts.Statement, visited: ts.Statement | undefined) =>
      factory.createBlock([
        statement(at),
        ...(visited === undefined ? [] : ts.isBlock(visited) ? visited.statements : [visited]),
      ]);
    const one = <T extends ts.Node>(node: T): T => ts.visitNode(node, visit) as T;

    function visit(node: ts.Node): ts.Node {
      if (ts.isTypeNode(node) || ts.isImportDeclaration(node)) return node;
      if (ts.isStringLiteralLike(node) && node.text.length > 0 && node.text.length <= 64) words.add(node.text);
      if (ts.isIfStatement(node)) {
        const { expression, thenStatement, elseStatement } = node;
        return factory.updateIfStatement(
          node,
          one(expression),
          block(thenStatement, one(thenStatement)),
          block(elseStatement ?? node, elseStatement && one(elseStatement)),
        );
      }
      if (ts.isConditionalExpression(node)) {
        const { condition, questionToken, whenTrue, colonToken, whenFalse } = node;
        return factory.updateConditionalExpression(
          node,
          one(condition),
          questionToken,
          counted(whenTrue, one(whenTrue)),
          colonToken,
          counted(whenFalse, one(whenFalse)),
        );
      }
      if (ts.isBinaryExpression(node) && isChoice(node.operatorToken.kind)) {
        const { left, operatorToken, right } = node;
        return factory.updateBinaryExpression(node, one(left), operatorToken, counted(right, one(right)));
      }
      if (ts.isArrowFunction(node) && !ts.isBlock(node.body)) {
        const { body } = node;
        const visited = ts.visitEachChild(node, visit, context);
        return factory.updateArrowFunction(
          visited,
          visited.modifiers,
          visited.typeParameters,
          visited.parameters,
          visited.type,
          visited.equalsGreaterThanToken,
          counted(body, visited.body as ts.Expression),
        );
      }
      if (ts.isCaseClause(node)) {
        return factory.updateCaseClause(node, one(node.expression), [statement(node), ...node.statements.map(one)]);
      }
      if (ts.isDefaultClause(node)) {
        return factory.updateDefaultClause(node, [statement(node), ...node.statements.map(one)]);
      }
      if (ts.isBlock(node) && hasBranch(node.parent)) {
        return factory.updateBlock(node, [statement(node), ...node.statements.map(one)]);
      }
      return ts.visitEachChild(node, visit, context);
    }
    return ts.visitEachChild(file, visit, context);
  };
}

function isChoice(kind: ts.SyntaxKind): boolean {
  return (
    kind === ts.SyntaxKind.AmpersandAmpersandToken ||
    kind === ts.SyntaxKind.BarBarToken ||
    kind === ts.SyntaxKind.QuestionQuestionToken
  );
}

/** Whether a block of this parent is one that an execution may or may not enter; those of `if` are seen to there. */
function hasBranch(parent: ts.Node): boolean {
  return ts.isFunctionLike(parent) || ts.isIterationStatement(parent, false) || ts.isCatchClause(parent);
}
