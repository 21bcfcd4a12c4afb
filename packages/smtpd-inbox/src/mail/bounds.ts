/**
 * How far a mail is read. Where a bound is met, reading stops there, a fault says so, and the octets are as they were: a bound never costs
 * more than what would have been shown.
 */

/** Parts of one message, those of messages within it included. */
export const PARTS_MAX = 10_000;

/** How deep a part may lie in others. What lies deeper is one part, not taken apart. */
export const NESTING_MAX = 1_000;

/** Fields of the header that are shown. */
export const HEADER_FIELDS_MAX = 10_000;

/** Octets of one field that are shown; RFC 5322 knows no bound but that of a line. */
export const FIELD_BYTES_MAX = 65_536;

/** Octets of the header that are shown. */
export const HEADER_BYTES_MAX = 4_194_304;

/** Characters of the text, and of the HTML, that are shown. */
export const TEXT_LENGTH_MAX = 8_388_608;

/** Characters that are found by their words; the store takes no more. */
export const SEARCH_TEXT_LENGTH_MAX = 1_048_576;

/** Octets that encoded messages within a message may come to when they are decoded, for each octet of the message. */
export const DECODED_MESSAGES_FACTOR = 4;

/** Links and codes that are listed. */
export const LINKS_MAX = 10_000;
export const CODES_MAX = 50;

/** Faults that are listed. */
export const FAULTS_MAX = 100;
