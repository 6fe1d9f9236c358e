/* What Thrift itself answers when there is no method to answer: the body of a message of type EXCEPTION. The fields and
 * numbers are those of Thrift's TApplicationException. */

enum ApplicationError {
  UNKNOWN = 0,
  UNKNOWN_METHOD = 1,
  INVALID_MESSAGE_TYPE = 2,
  WRONG_METHOD_NAME = 3,
  BAD_SEQUENCE_ID = 4,
  MISSING_RESULT = 5,
  INTERNAL_ERROR = 6,
  PROTOCOL_ERROR = 7,
}

exception ApplicationException {
  1: string message,
  2: i32 type,
}
