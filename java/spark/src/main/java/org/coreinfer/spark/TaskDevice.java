package org.coreinfer.spark;

import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ResourceInformation;
import org.coreinfer.ComputeDevice;

/**
 * Where a task computes.
 *
 * @param gpu as CUDA counts them; negative for none, or the one that is found
 */
record TaskDevice(ComputeDevice device, int gpu) {
  private static final String RESOURCE = "gpu"; // as Spark's documentation names it
  private static final int UNNAMED = -1;

  /**
   * The device of the calling task: the GPU that Spark gave it, if it gave one; else what was asked
   * for, where no GPU is shared among executors that know nothing of each other.
   *
   * @throws IllegalArgumentException if the GPU has no number
   */
  static TaskDevice of(ComputeDevice asked) {
    TaskContext task = TaskContext.get();
    Map<String, ResourceInformation> resources = task == null ? Map.of() : task.resourcesJMap();
    ResourceInformation given = resources.get(RESOURCE);
    String[] addresses = given == null ? new String[0] : given.addresses();
    return of(asked, addresses, isAlone(SparkEnv.get().conf()));
  }

  /**
   * The device of a task.
   *
   * @param addresses of the GPUs that Spark gave it
   * @param isAlone whether all tasks run in one process
   */
  static TaskDevice of(ComputeDevice asked, String[] addresses, boolean isAlone) {
    if (asked != ComputeDevice.CPU && addresses.length > 0) {
      return new TaskDevice(ComputeDevice.CUDA, number(addresses[0]));
    }
    boolean isUnclaimed = asked == ComputeDevice.AUTO && !isAlone;
    return new TaskDevice(isUnclaimed ? ComputeDevice.CPU : asked, UNNAMED);
  }

  /** Whether all tasks run in the driver's process. */
  static boolean isAlone(SparkConf conf) {
    return conf.get("spark.master", "").matches("local(\\[.*)?");
  }

  private static int number(String address) {
    try {
      return Integer.parseUnsignedInt(address);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "the GPU's address '%s', which Spark's discovery script found, is no number as CUDA counts them"
              .formatted(address),
          e);
    }
  }
}
