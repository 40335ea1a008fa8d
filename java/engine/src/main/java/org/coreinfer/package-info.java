/**
 * The library's face. {@link org.coreinfer.Model} loads a model file, {@link org.coreinfer.Session}
 * answers with it:
 *
 * <pre>{@code
 * try (Model model = Model.load(Path.of("model.gguf"));
 *     Session session = model.newSession(CoreOptions.stability(0.4))) {
 *   System.out.println(session.generate("Once upon a time").text());
 * }
 * }</pre>
 *
 * The packages below it, in reading order: error, tensor, backend, weights, text, model, synthesis,
 * core, sampling, generation; each imports only what stands before it. Above it is {@link
 * org.coreinfer.serving.Scheduler}, which answers many requests with one model.
 */
@NullMarked
package org.coreinfer;

import org.jspecify.annotations.NullMarked;
