// Query pages that lie, with 200.
import type { QueryPage } from '../hub/query/query.ts';
import type { PageFault } from './fault.ts';

/** `readPage` reads the page at a continuation; undefined is the one that was asked for. */
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

/** What a query reads from, by its text alone: the page is spoilt whether or not it parses. */
export function sourceOfQuery(text: string): 'devices' | 'modules' {
  return /\bfrom\s+devices\s*\.\s*modules\b/i.test(text) ? 'modules' : 'devices';
}
