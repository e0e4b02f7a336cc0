import { compileYaml } from '../../compiler/compile-yaml.js';

const problems = (publish: string): string[] =>
  compileYaml(
    `name: x\nsteps: [{ name: s, deploy: { type: docker_container, service: shop, image: i, port: 80, publish: ${publish} } }]\n`,
  ).problems.map(({ code }) => code);

describe('publish', () => {
  it.each(['/', '/api', '/api/v1.2', '/~ada'])('takes the path %s of a domain', (path) => {
    expect(problems(`{ domain: shop.example, path: "${path}" }`)).toEqual([]);
  });

  it.each(['api', '/api/', '/a//b', '/a/../b', '/a%20b', '/a?b', '/{x}', '/*'])(
    'refuses the path %s, which no proxy could tell apart',
    (path) => {
      expect(problems(`{ domain: shop.example, path: "${path}" }`)).toEqual(['invalid_path']);
    },
  );

  it.each(['{ path: /api }', '{ domain: shop.example, port: 80 }', '{ domain: Shop }'])(
    'refuses %s',
    (publish) => {
      expect(problems(publish)).toHaveLength(1);
    },
  );
});
