/** The bytes of a request's id: random ones do not meet twice. */
export const REQUEST_ID_BYTES = 16;
