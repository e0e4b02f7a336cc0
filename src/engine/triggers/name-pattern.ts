export { namePattern } from '../patterns/name-pattern.js';
