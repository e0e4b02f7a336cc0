import { connect } from 'node:net';

/** Whether somebody listens at a unix socket. */
export function isOpen(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    const end = (open: boolean) => () => {
      connection.destroy();
      resolve(open);
    };
    connection.once('connect', end(true));
    connection.once('error', end(false));
  });
}
