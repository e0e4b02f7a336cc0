import { SaxesParser } from 'saxes';

export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Text of its own, without spaces at its ends. */
  readonly text: string;
  readonly line: number;
}

export type ParsedXml =
  { readonly root: XmlElement } | { readonly problem: string; readonly line: number };

const MAX_DEPTH = 200;

interface OpenElement extends XmlElement {
  readonly children: OpenElement[];
  text: string;
}

/** Reads XML. A document type, and with it every entity of its own, is refused. */
export function readXml(source: string): ParsedXml {
  const parser = new SaxesParser();
  const open: OpenElement[] = [];
  let root: OpenElement | undefined;
  let problem: { problem: string; line: number } | undefined;
  const fail = (message: string): void => {
    problem ??= { problem: message, line: parser.line };
  };
  parser.on('error', (error) => fail(error.message));
  parser.on('doctype', () => fail('it has a document type'));
  parser.on('opentag', ({ name, attributes }) => {
    if (open.length >= MAX_DEPTH) fail(`elements in more than ${MAX_DEPTH} others`);
    const element: OpenElement = {
      name: name.slice(name.indexOf(':') + 1),
      attributes: new Map(Object.entries(attributes)),
      ...{ children: [], text: '', line: parser.line },
    };
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  const addText = (text: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    const element = open.pop();
    if (element !== undefined) element.text = element.text.trim();
  });
  parser.write(source).close();
  if (problem !== undefined) return problem;
  return root === undefined ? { problem: 'it has no element', line: 1 } : { root };
}

/** The first element below these names. */
export function xmlAt(
  element: XmlElement | undefined,
  ...names: readonly string[]
): XmlElement | undefined {
  let found = element;
  for (const name of names) found = found?.children.find((child) => child.name === name);
  return found;
}

export function xmlAll(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  return element?.children.filter((child) => child.name === name) ?? [];
}
