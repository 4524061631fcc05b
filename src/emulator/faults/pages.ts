// Faulty query pages, answered with 200.
import type { QueryPage } from '../hub/query/query.ts';
import type { PageFault } from './fault.ts';

/** `readPage` reads the page at a continuation; undefined means the requested page. */
export function spoilPage(fault: PageFault, readPage: (continuation: string | undefined) => QueryPage): QueryPage {
  const page = readPage(undefined);
  const { itemType, items, continuation } = page;
  switch (fault.kind) {
    case 'droppedPage':
      return continuation === undefined ? { itemType, items: [] } : readPage(continuation);
    case 'emptyPage':
      return { itemType, items: [] };
    case 'missingContinuation':
      return { itemType, items };
    case 'truncatedContinuation':
      if (continuation === undefined) return page;
      return { itemType, items, continuation: continuation.slice(0, Math.floor(continuation.length / 2)) };
  }
}

/** The source of a query, by its text: the fault does not depend on whether it parses. */
export function sourceOfQuery(text: string): 'devices' | 'modules' {
  return /\bfrom\s+devices\s*\.\s*modules\b/i.test(text) ? 'modules' : 'devices';
}
