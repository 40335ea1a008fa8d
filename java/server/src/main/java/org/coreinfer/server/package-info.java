/**
 * A model over HTTP, in the form of OpenAI's API: {@link org.coreinfer.server.Server} is the start.
 * A request goes through {@code Router} (who may ask what), an {@code Endpoint} (what is asked),
 * the engine's scheduler, and comes back as one JSON object or as a stream of events.
 */
@NullMarked
package org.coreinfer.server;

import org.jspecify.annotations.NullMarked;
