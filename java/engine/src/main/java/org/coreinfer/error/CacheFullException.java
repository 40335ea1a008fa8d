package org.coreinfer.error;

/** All pages of keys and values that sequences may have together are in use. */
public class CacheFullException extends CoreInferException {
  private static final long serialVersionUID = 1;

  public CacheFullException(String message) {
    super(message);
  }
}
