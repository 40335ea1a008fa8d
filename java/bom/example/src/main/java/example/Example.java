package example;

import org.coreinfer.Model;
import org.coreinfer.Session;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.GenerationRequest;

/** Continues a text with the model inside of the library. */
public final class Example {
  private Example() {}

  public static void main(String[] args) {
    try (Model model = Model.embedded().load();
        Session session = model.newSession(CoreOptions.stability(0.4))) {
      GenerationRequest request = GenerationRequest.of("Once upon a time").maxTokens(20).build();
      System.out.println(session.generate(request).text());
      System.out.println("computed on " + model.backend());
    }
  }
}
