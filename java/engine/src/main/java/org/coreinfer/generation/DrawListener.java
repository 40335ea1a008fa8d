package org.coreinfer.generation;

import org.coreinfer.model.Logits;

/** Sees what each token of an answer is drawn from, in the order of the tokens. */
public interface DrawListener {
  /** Sees nothing. */
  DrawListener NONE =
      new DrawListener() {
        @Override
        public void before(Logits logits) {}

        @Override
        public void drawn(int token) {}
      };

  /** A token is about to be drawn. The logits are valid during the call. */
  void before(Logits logits);

  /** The token that was drawn from them; it is handed out later, or never if the answer ends. */
  void drawn(int token);
}
