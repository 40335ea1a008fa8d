"""Writes test-data/quants: random blocks of every quantised type of GGUF, with the values llama.cpp's gguf package gives.

    python test-data/make_quants.py

NAME.bytes holds 1024 elements in the type's blocks, NAME.f32 their values, both little-endian without a header. Scales
are finite F16 numbers of either sign; all other bytes are random.
"""

import pathlib

import gguf
import numpy

ELEMENTS = 1024
FOLDER = pathlib.Path(__file__).parent / "quants"

# Where a block's F16 numbers lie.
HALVES = {
    "Q8_0": [0],
    "Q4_0": [0],
    "Q4_1": [0, 2],
    "Q5_0": [0],
    "Q5_1": [0, 2],
    "Q4_K": [0, 2],
    "Q5_K": [0, 2],
    "Q6_K": [208],
}


def blocks(name: str, random: numpy.random.Generator) -> numpy.ndarray:
    size, size_bytes = gguf.constants.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]]
    data = random.integers(0, 256, (ELEMENTS // size, size_bytes), dtype=numpy.uint8)
    for half in HALVES[name]:
        scales = (random.standard_normal(len(data)) / 16).astype(numpy.float16)
        data[:, half : half + 2] = scales.reshape(-1, 1).view(numpy.uint8)
    return data.reshape(-1)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for seed, name in enumerate(HALVES):
        data = blocks(name, numpy.random.default_rng(seed))
        values = gguf.quants.dequantize(data, gguf.GGMLQuantizationType[name])
        assert values.shape == (ELEMENTS,) and numpy.isfinite(values).all()
        (FOLDER / f"{name}.bytes").write_bytes(data.tobytes())
        (FOLDER / f"{name}.f32").write_bytes(values.astype("<f4").tobytes())


if __name__ == "__main__":
    main()
