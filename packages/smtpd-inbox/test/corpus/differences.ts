/** Where the reader says something else of a message of the corpus than Python’s email package does, and why. */

/** By the file and what differs. */
export const differences: Readonly<Record<string, string>> = {
  'broken-blank-before-colon.eml subject':
    'RFC 5322 §4.5 has blanks before the colon; for Python the header ends there.',
  'broken-blank-before-colon.eml 0 octets': 'The same.',
  'broken-boundary-empty.eml parts':
    'A boundary has one character at least (RFC 2046 §5.1.1); Python takes an empty one.',
  'broken-boundary-empty.eml 1 type': 'The same: part 1 is the whole message here.',
  'broken-boundary-empty.eml 1 octets': 'The same.',
  'broken-boundary-same-within.eml parts':
    'The delimiter is the innermost multipart’s here, and the outer one’s for Python.',
  'broken-boundary-same-within.eml 1 octets': 'The same: what is a part here is part of a preamble there.',
  'broken-boundary-unended.eml 2 octets':
    'The last line end belongs to no delimiter, so it belongs to the part; Python takes it away.',
  'php-alternative-unended.eml 2 octets': 'The same.',
  'broken-encoded-word-line-end.eml subject': 'A line end in a value is shown as a blank.',
  'broken-nul.eml subject': 'NUL in a value is shown as a blank.',
  'broken-encoded-word-unknown.eml subject': 'Python gives up where a charset is unknown.',
  'broken-encoding-quoted.eml 0 octets':
    'Comments and quotes around base64 change nothing here; Python does not know what they stand around.',
  'broken-file-name-encoded-word.eml 0 file name':
    'RFC 2047 §5 forbids encoded words in parameters, and programs write them; Python leaves them as they are.',
  'broken-multipart-empty.eml 0 octets': 'A multipart without parts is shown as it stands; Python has nothing in it.',
  'broken-quoted-printable-damaged.eml 0 octets':
    'RFC 2045 §6.7 rule 3: blanks at the end of a line are not there, so that the “=” before them is a soft break.',
  'broken-rfc822-base64.eml 1.0 octets':
    'A message that is encoded against the rules is decoded and read; Python reads the base64 as a message.',
  'broken-type-comments.eml 0 type': 'Comments are left out; for Python they are part of the type.',
  'broken-yenc.eml 0 text':
    'Five octets of Windows-1252 have no letter: control characters here (WHATWG), replacement characters there.',
  'curl-nested.eml 2 file name': 'Octets above 127 in a file name are UTF-8 here; Python replaces them.',
};
