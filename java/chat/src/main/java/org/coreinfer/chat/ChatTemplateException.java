package org.coreinfer.chat;

import org.coreinfer.error.CoreInferException;
import org.jspecify.annotations.Nullable;

/**
 * A chat template is missing or broken, needs what this engine lacks, or refuses a conversation.
 * The message is a sentence, with the template's line where there is one.
 */
public class ChatTemplateException extends CoreInferException {
  private static final long serialVersionUID = 1L;

  public ChatTemplateException(String message) {
    super(message);
  }

  public ChatTemplateException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
