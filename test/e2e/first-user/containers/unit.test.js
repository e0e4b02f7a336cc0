const { once } = require('node:events');
const { connect } = require('node:net');
const { test } = require('node:test');

for (const name of ['DB', 'WEB', 'QUEUE', 'CACHE']) {
  test(`reaches ${name}`, async () => {
    const { [`CI_SIDECAR_${name}_HOST`]: host, [`CI_SIDECAR_${name}_PORT`]: port } = process.env;
    const socket = connect(Number(port), host);
    await once(socket, 'connect');
    socket.destroy();
  });
}
