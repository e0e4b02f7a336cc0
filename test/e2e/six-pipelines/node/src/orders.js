/** Orders in a table of the database. */
export class Orders {
  #client;

  constructor(client) {
    this.#client = client;
  }

  async create() {
    await this.#client.query('CREATE TABLE orders (id serial PRIMARY KEY, pieces int NOT NULL)');
  }

  async add(pieces) {
    const [[id]] = await this.#client.query(
      `INSERT INTO orders (pieces) VALUES (${Number(pieces)}) RETURNING id`,
    );
    return Number(id);
  }

  async pieces() {
    const [[sum]] = await this.#client.query('SELECT sum(pieces) FROM orders');
    return Number(sum);
  }
}
