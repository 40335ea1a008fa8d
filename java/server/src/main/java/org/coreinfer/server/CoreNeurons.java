package org.coreinfer.server;

import java.util.Base64;
import java.util.List;
import java.util.stream.IntStream;
import org.coreinfer.Model;
import org.coreinfer.model.NeuronSet;

/**
 * Which neurons an answer computes, as JSON. Each layer is a set of bits in base64: neuron {@code
 * i} is bit {@code i % 8}, counted from the lowest, of byte {@code i / 8}.
 */
final class CoreNeurons {
  private CoreNeurons() {}

  /** The neurons, and the bytes of weights that decoding a token reads with them. */
  static JsonOut of(Model model, NeuronSet neurons) {
    List<String> layers =
        IntStream.range(0, neurons.layers()).mapToObj(layer -> bits(neurons, layer)).toList();
    return new JsonOut()
        .put("neurons", neurons.neurons())
        .put("bytes_per_token", model.decoder().bytesPerToken(neurons))
        .putStrings("core_neurons", layers);
  }

  private static String bits(NeuronSet neurons, int layer) {
    byte[] bits = new byte[(neurons.neurons() + 7) / 8];
    for (int id : neurons.ids(layer)) {
      bits[id / 8] |= (byte) (1 << id % 8);
    }
    return Base64.getEncoder().encodeToString(bits);
  }
}
