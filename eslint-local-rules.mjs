import { PLAIN_WORDS } from './plain-words.mjs';

/** A record by names: a type that says of every text that it may be a key. */
function isRecord(checker, type) {
  const parts = type.isUnion() ? type.types : [type];
  return parts.some((part) =>
    checker.getIndexInfosOfType(part).some(({ keyType }) => keyType === checker.getStringType()),
  );
}

/** A key of ours: a literal, or a constant whose type is one or some of them. */
function isFixed(type) {
  const parts = type.isUnion() ? type.types : [type];
  return parts.every((part) => part.isLiteral());
}

/**
 * Records whose names users choose are made and read by `src/common/values/name-record.ts` only.
 * Told by types: a record is what has a string index signature, so arrays and tables with keys of a
 * closed type are left alone.
 */
const noNameIndex = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      index:
        'A name that is not fixed never indexes a record: valueOf(record, name) of name-record.',
      in: 'A plain object "has" what it inherits: hasName(record, name) of name-record, or a Map.',
      entries: 'Records of names are made without a prototype: nameRecord(entries) of name-record.',
    },
  },
  create(context) {
    const services = context.sourceCode.parserServices;
    const checker = services.program.getTypeChecker();
    return {
      MemberExpression(node) {
        const { object, property, computed } = node;
        if (!computed || isFixed(services.getTypeAtLocation(property))) return;
        if (isRecord(checker, services.getTypeAtLocation(object))) {
          context.report({ node, messageId: 'index' });
        }
      },
      BinaryExpression(node) {
        if (node.operator !== 'in' || node.left.type === 'PrivateIdentifier') return;
        // `'kind' in result` tells the members of a union of ours apart.
        const isConstant = isFixed(services.getTypeAtLocation(node.left));
        if (!isConstant || isRecord(checker, services.getTypeAtLocation(node.right))) {
          context.report({ node, messageId: 'in' });
        }
      },
      "CallExpression[callee.object.name='Object'][callee.property.name='fromEntries']"(node) {
        context.report({ node, messageId: 'entries' });
      },
    };
  },
};

/** Holds code, comments and texts to `plain-words.mjs`. */
const plainWords = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { word: 'Write "{{ word }}" in plain words: {{ instead }}.' },
  },
  create(context) {
    return {
      Program() {
        const { sourceCode } = context;
        for (const [pattern, instead] of PLAIN_WORDS) {
          for (const match of sourceCode.text.matchAll(new RegExp(pattern, `${pattern.flags}g`))) {
            const loc = sourceCode.getLocFromIndex(match.index);
            context.report({ loc, messageId: 'word', data: { word: match[0], instead } });
          }
        }
      },
    };
  },
};

export default { rules: { 'no-name-index': noNameIndex, 'plain-words': plainWords } };
