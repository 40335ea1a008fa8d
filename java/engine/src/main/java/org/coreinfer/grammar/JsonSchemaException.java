package org.coreinfer.grammar;

/** A JSON schema that is broken or asks for what is not supported; the message says where. */
public final class JsonSchemaException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final String pointer;

  JsonSchemaException(String pointer, String problem) {
    super("JSON schema, at " + (pointer.isEmpty() ? "its root" : pointer) + ": " + problem);
    this.pointer = pointer;
  }

  /** Where in the schema, as a JSON pointer (RFC 6901); empty for its root. */
  public String pointer() {
    return pointer;
  }
}
