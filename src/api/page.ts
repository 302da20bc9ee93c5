import { STATUS_CODES } from 'node:http';

/** A small error page in the shape that Python's server gives it: some clients read the code and message out of it. */
export function errorPage(status: number, why?: string): { readonly html: string; readonly phrase: string } {
  const phrase = printable(why ?? STATUS_CODES[status] ?? 'Error');
  const message = escaped(phrase);
  const html = `<!DOCTYPE HTML>
<html lang="en">
    <head>
        <meta charset="utf-8">
        <title>Error response</title>
    </head>
    <body>
        <h1>Error response</h1>
        <p>Error code: ${status}</p>
        <p>Message: ${message}.</p>
        <p>Error code explanation: ${status} - ${escaped(STATUS_CODES[status] ?? 'Error')}.</p>
    </body>
</html>
`;
  return { html, phrase };
}

/** What may stand in a status line. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
