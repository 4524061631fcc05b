// The two lists of a hub as texts in its query language: one pass over devices, one over module twins.

/** All that `deviceFacts` reads. A row may lack the columns that its device lacks, or have null there (not established). */
export const DEVICES_QUERY = 'SELECT deviceId, status, tags, capabilities FROM devices';

/** Limit of the service on the text of a query. */
const QUERY_LENGTH_MAX = 8_192;

/**
 * Twins of the modules with these ids, and every twin with a record: as many queries as the limit on their text asks for.
 * The first sees every record, so a twin may be in the rows of two.
 */
export function moduleTwinQueries(moduleIds: readonly string[]): string[] {
  const conditions = ['IS_DEFINED(tags.twinward)'];
  for (const moduleId of moduleIds) {
    const term = `moduleId = '${moduleId.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
    const longer = `${conditions.at(-1)} OR ${term}`;
    if (moduleTwinQuery(longer).length <= QUERY_LENGTH_MAX) conditions[conditions.length - 1] = longer;
    else conditions.push(term);
  }
  return conditions.map(moduleTwinQuery);
}

function moduleTwinQuery(condition: string): string {
  return `SELECT * FROM devices.modules WHERE ${condition}`;
}
