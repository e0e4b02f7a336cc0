import { compileYaml } from './compile-yaml.js';
import { emptyWorkspaceWarning } from './empty-workspace.js';

const warned = (yaml: string): string | undefined => {
  const { plan } = compileYaml(yaml);
  if (plan === undefined) throw new Error('The pipeline has errors.');
  return emptyWorkspaceWarning(plan)?.message;
};
const ofStep = (keys: string): string => `name: x\nsteps: [{ name: a, ${keys} }]\n`;

describe('a workspace that nothing fills', () => {
  it.each([
    'run: npm ci',
    'run: "npm ci && npm run build"',
    'run: [echo, pip install -r requirements.txt]',
    'run: go test ./...',
    'run: make',
    'run: ./gradlew test',
    'run: pytest',
    'image: "node:22", run: npm test',
    'run: echo, cache: npm',
    'run: echo, cache: { paths: a, key: { files: [b.lock] } }',
    'build: .',
  ])('is told where a step works on files: %s', (keys) => {
    expect(warned(ofStep(keys))).toMatch(/names no repository: "a" begins in an empty workspace/);
  });

  it.each(['run: npm ci', 'run: make'])('is none with a repository: %s', (keys) => {
    expect(warned(`repository: https://git.example/a.git\n${ofStep(keys)}`)).toBeUndefined();
  });

  it.each([
    'run: echo',
    'run: go version',
    'run: pip install requests',
    'run: npm --version',
    'run: [git clone https://git.example/a.git ., make]',
    'run: "curl -O https://a.example/b.tar && tar xf b.tar && make"',
    'run: [npm init -y, npm install]',
    'run: echo makes make',
    'run: make > log',
  ])('is not told where files may come otherwise, or are not needed: %s', (keys) => {
    expect(warned(ofStep(keys))).toBeUndefined();
  });

  it('is filled by a clone as a step', () => {
    const clone =
      '{ name: c, step_type: github, config: { repository_url: "https://git.example/a.git" } }';
    expect(warned(`name: x\nsteps: [${clone}, make]\n`)).toBeUndefined();
  });
});
