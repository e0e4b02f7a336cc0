import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  type Node,
  type ParsedNode,
  type Scalar,
} from 'yaml';
import { quoted } from '../../common/values/redact-urls.js';
import { characterProblem } from '../../common/values/text-rule.js';
import type { YamlPath } from './problem.js';
import { yamlGuard } from './yaml-guard.js';

/**
 * The document as plain data with offsets. An aliased node is the same object at each of its
 * places.
 */
export type YamlNode = YamlScalar | YamlList | YamlMap;

export interface YamlScalar {
  readonly kind: 'scalar';
  readonly value: null | boolean | number | string;
  /**
   * As written for numbers and booleans (`1.10` stays `1.10`), the value for texts, '' for null.
   */
  readonly text: string;
  /** Stands for what could not be read and was reported: no reader reports it again. */
  readonly isBroken?: true;
  readonly start: number;
  readonly end: number;
}

export interface YamlList {
  readonly kind: 'list';
  readonly items: readonly YamlNode[];
  readonly start: number;
  readonly end: number;
}

export interface YamlMap {
  readonly kind: 'map';
  /** Of equal keys, the first. */
  readonly entries: readonly YamlEntry[];
  readonly start: number;
  readonly end: number;
}

export interface YamlEntry {
  readonly key: string;
  readonly keyStart: number;
  readonly value: YamlNode;
}

export interface TreeProblem {
  readonly code: string;
  readonly message: string;
  readonly offset: number;
  readonly path: YamlPath;
  readonly suggestion?: string;
}

export interface YamlTree {
  /** Absent when the text is no YAML or must not be read. */
  readonly root?: YamlNode;
  /** Of a text of several documents the first one: not to be read, but it tells what they are. */
  readonly firstOfMany?: YamlNode;
  readonly problems: readonly TreeProblem[];
}

const MAX_ALIASES = 1000;
/** Nodes after every alias is replaced by what it stands for. */
const MAX_EXPANDED_NODES = 100_000;
const MAX_SYNTAX_PROBLEMS = 20;

const SYNTAX_HINTS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'Indent with spaces',
  BAD_INDENT: 'Align it with the lines above',
  MISSING_CHAR: 'Check the quotes, brackets and colons of this line and the one above',
  BLOCK_AS_IMPLICIT_KEY: "Put the text in quotes if it holds ': '",
  BLOCK_IN_FLOW: "Put the text in quotes if it holds ': '",
  BAD_SCALAR_START: 'Put the text in quotes',
  UNEXPECTED_TOKEN: 'Check the quotes and the indentation of this line',
  BAD_DQ_ESCAPE: "Use '…', where a backslash is itself",
  MULTILINE_IMPLICIT_KEY: 'Check the quotes and colons of this line and the one above',
};

/**
 * Parses one document without tags, merge keys and more than bounded work. Never throws for any
 * text.
 */
export function parseYamlTree(text: string): YamlTree {
  const guarded = yamlGuard(text);
  if (guarded !== undefined) return { problems: [{ ...guarded, path: [] }] };
  const document = parseDocument(text, {
    uniqueKeys: false, // The library's check is quadratic; TreeBuilder has its own.
    merge: false,
    prettyErrors: false,
    logLevel: 'error', // 'silent' would let a second document pass.
  });
  const problems = document.errors.slice(0, MAX_SYNTAX_PROBLEMS).map((error): TreeProblem => {
    const suggestion = SYNTAX_HINTS[error.code];
    const place = { offset: error.pos[0], path: [] };
    if (error.code === 'MULTIPLE_DOCS') {
      const message = 'The file holds more than one YAML document.';
      return {
        code: 'multiple_documents',
        message,
        ...place,
        suggestion: 'Keep one; remove "---"',
      };
    }
    const hint = suggestion === undefined ? {} : { suggestion };
    return { code: 'yaml_syntax', message: sentence(error.message), ...place, ...hint };
  });
  const version = document.directives?.yaml;
  if (version?.explicit === true && version.version !== '1.2') {
    const message = `The file asks for YAML ${version.version}; it is read as YAML 1.2.`;
    const suggestion = 'Remove the %YAML line';
    problems.push({ code: 'directive_not_allowed', message, offset: 0, path: [], suggestion });
  }
  if (problems.length > 0) {
    const areMany = problems.every(({ code }) => code === 'multiple_documents');
    if (!areMany || document.contents === null) return { problems };
    return { firstOfMany: new TreeBuilder().node(document.contents, []), problems };
  }
  if (document.contents === null) {
    return {
      problems: [{ code: 'empty_document', message: 'The file is empty.', offset: 0, path: [] }],
    };
  }
  const builder = new TreeBuilder();
  const root = builder.node(document.contents, []);
  return { root, problems: builder.problems };
}

function sentence(message: string): string {
  const [first = message] = message.split('\n');
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

class TreeBuilder {
  readonly problems: TreeProblem[] = [];
  private readonly anchors = new Map<string, { node?: YamlNode; size: number }>();
  private aliases = 0;
  private expanded = 0;

  node(source: Node, path: YamlPath): YamlNode {
    const [start, end] = (source as ParsedNode).range;
    if (isAlias(source)) return this.alias(source.source, start, path);
    if (source.tag !== undefined) this.tag(source.tag, start, path);
    const anchor = 'anchor' in source ? source.anchor : undefined;
    const record = { node: undefined as YamlNode | undefined, size: 0 };
    if (anchor !== undefined) this.anchors.set(anchor, record);
    const before = this.expanded;
    this.expanded += 1;
    const built = this.build(source, start, end, path);
    record.node = built;
    record.size = this.expanded - before;
    return built;
  }

  private build(source: Node, start: number, end: number, path: YamlPath): YamlNode {
    if (isSeq(source)) {
      const items = source.items.map((item, index) => this.node(item as Node, [...path, index]));
      return { kind: 'list', items, start, end };
    }
    if (isMap(source)) {
      return { kind: 'map', entries: this.entries(source.items, path), start, end };
    }
    if (!isScalar(source)) return nothing(start);
    const built = scalar(source, start, end);
    return this.isClean(built.text, start, path) ? built : broken(start);
  }

  private entries(items: readonly unknown[], path: YamlPath): YamlEntry[] {
    const entries: YamlEntry[] = [];
    const lines = new Set<string>();
    for (const item of items) {
      if (!isPair(item)) continue;
      const source = item.key as Node | null;
      const keyStart = source === null ? 0 : (source as ParsedNode).range[0];
      if (!isScalar(source)) {
        this.add('invalid_key', 'A key must be a text.', keyStart, path, 'Put the key in quotes');
        continue;
      }
      const key = scalar(source, keyStart, keyStart).text;
      if (!this.isClean(key, keyStart, path)) continue;
      const at = [...path, key];
      if (source.tag !== undefined) this.tag(source.tag, keyStart, at);
      if (key === '<<') {
        const hint = 'Write the keys out, or use an alias for a whole value: environment: *common';
        this.add('merge_key', 'Merge keys (<<) are not part of YAML 1.2.', keyStart, at, hint);
        continue;
      }
      const value = item.value === null ? nothing(keyStart) : this.node(item.value as Node, at);
      if (lines.has(key)) {
        const message = `The key "${quoted(key, 100)}" is given twice.`;
        this.add('duplicate_key', message, keyStart, at, 'Remove one of them');
        continue;
      }
      lines.add(key);
      entries.push({ key, keyStart, value });
    }
    return entries;
  }

  private alias(name: string, start: number, path: YamlPath): YamlNode {
    const anchor = this.anchors.get(name);
    this.aliases += 1;
    if (anchor === undefined) {
      const message = `The alias *${name} has no anchor above it.`;
      this.add('unknown_alias', message, start, path, `Write &${name} at the value that is meant`);
      return broken(start);
    }
    if (anchor.node === undefined) {
      this.add('alias_cycle', `The alias *${name} stands within its own anchor.`, start, path);
      return broken(start);
    }
    if (this.aliases > MAX_ALIASES || this.expanded + anchor.size > MAX_EXPANDED_NODES) {
      if (!this.problems.some((problem) => problem.code === 'alias_limit')) {
        const message = 'The aliases of the file stand for too much.';
        this.add('alias_limit', message, start, path, 'Write fewer aliases');
      }
      return broken(start);
    }
    this.expanded += anchor.size;
    return anchor.node;
  }

  /** Escapes (`"\x00"`, `"\uD800"`) make characters that the text of the file may not hold. */
  private isClean(text: string, start: number, path: YamlPath): boolean {
    const problem = characterProblem(text);
    if (problem === undefined) return true;
    const message = `The text holds ${problem.what}, which no text may hold.`;
    const hint = 'Remove it; to print one, let the program make it: printf "\\033[31m"';
    this.add('invalid_character', message, start, path, hint);
    return false;
  }

  private tag(tag: string, start: number, path: YamlPath): void {
    const hint = 'Remove it; put a text in quotes';
    this.add('tag_not_allowed', `The tag ${quoted(tag, 100)} is not allowed.`, start, path, hint);
  }

  private add(
    code: string,
    message: string,
    offset: number,
    path: YamlPath,
    suggestion?: string,
  ): void {
    const hint = suggestion === undefined ? {} : { suggestion };
    this.problems.push({ code, message, offset, path, ...hint });
  }
}

function broken(start: number): YamlScalar {
  return { ...nothing(start), isBroken: true };
}

function nothing(start: number): YamlScalar {
  return { kind: 'scalar', value: null, text: '', start, end: start };
}

function scalar(source: Scalar, start: number, end: number): YamlScalar {
  const { value } = source;
  if (typeof value === 'string') return { kind: 'scalar', value, text: value, start, end };
  if (typeof value === 'number' || typeof value === 'boolean') {
    return { kind: 'scalar', value, text: source.source ?? String(value), start, end };
  }
  return nothing(start);
}
