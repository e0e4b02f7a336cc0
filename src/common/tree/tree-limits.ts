/**
 * Files, folders and links that are looked at in a tree that steps have written, or are taken from
 * one archive of such a tree.
 */
export const MAX_TREE_ENTRIES = 1_000_000;
