// Streams and the graphs that they record.
#include <utility>

#include "runtime_state.h"

using simt::Device;
using simt::OnDevice;
using simt::Stream;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  return OnDevice([&](Device& device) {
    *stream = new Stream;
    device.streams.insert(*stream);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, cudaStreamDefault); }

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return OnDevice([&](Device& device) {
    if (device.streams.count(stream) == 0) return cudaErrorInvalidResourceHandle;
    const cudaError_t error = Drain(device, *stream);
    device.streams.erase(stream);
    delete stream;
    return error;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return OnDevice([&](Device& device) {
    Stream* found = Find(device, stream);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    if (found->recording == nullptr) return Drain(device, *found);
    found->recording->spoiled = true;
    return cudaErrorStreamCaptureUnsupported;
  });
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return OnDevice([&](Device& device) {
    if (device.streams.count(stream) == 0 || stream->recording != nullptr) return cudaErrorInvalidValue;
    stream->recording = std::make_unique<simt::Graph>();
    stream->recording->mode = mode;
    stream->recording->recorder = std::this_thread::get_id();
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return OnDevice([&](Device& device) {
    if (device.streams.count(stream) == 0 || stream->recording == nullptr) return cudaErrorInvalidValue;
    const std::unique_ptr<simt::Graph> recorded = std::move(stream->recording);
    *graph = recorded->spoiled ? nullptr : new simt::Graph(*recorded);
    return recorded->spoiled ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return OnDevice([&](Device& device) {
    const Stream* found = Find(device, stream);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    *status = found->recording == nullptr ? cudaStreamCaptureStatusNone
              : found->recording->spoiled ? cudaStreamCaptureStatusInvalidated
                                          : cudaStreamCaptureStatusActive;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = new simt::Graph(*graph);
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return OnDevice([&](Device& device) {
    for (const simt::Work& work : executable->work) {
      const cudaError_t error = Enqueue(device, stream, work);
      if (error != cudaSuccess) return error;
    }
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) { return cudaGraphDestroy(executable); }
