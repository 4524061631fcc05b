// The queries of a pass, in the hub's query language: devices, and module twins.

/**
 * The columns that `deviceFacts` reads. A row may lack columns that its device lacks, or have null there (not
 * established).
 */
export const DEVICES_QUERY = 'SELECT deviceId, status, tags, capabilities FROM devices';

/** The service's limit on the text of a query. */
const QUERY_LENGTH_MAX = 8_192;

/**
 * Lists the twins of modules with these ids, and every twin with a record, in as few queries as the limit allows. The
 * first query lists all records, so a twin may be in the rows of two.
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
