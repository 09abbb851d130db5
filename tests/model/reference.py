"""Layers of the network in float64, one index at a time, as the paper's algorithms say them.

Algorithms are those of the supplement of Abramson et al. 2024 (doi:10.1038/s41586-024-07487-w).
Where the official program computes something else, the function says so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Array = np.ndarray


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def swish(x: Array) -> Array:
    return x * sigmoid(x)


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def softmax(x: Sequence[float]) -> Array:
    e = np.exp(np.asarray(x) - np.max(x))
    return e / e.sum()


def layer_norm(x: Array, scale: Array | float = 1.0, offset: Array | float = 0.0) -> Array:
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * scale + offset


def transition(x: Array, norm: tuple, gate: Array, value: Array, out: Array) -> Array:
    """Algorithm 11."""
    x = layer_norm(x, *norm)
    return (swish(x @ gate) * (x @ value)) @ out


def triangle_multiplication(
    z: Array,
    present: Sequence[int],
    outgoing: bool,
    norm_in: tuple,
    a_weight: Array,
    b_weight: Array,
    a_gate: Array,
    b_gate: Array,
    out_gate: Array,
    norm_out: tuple,
    out: Array,
) -> Array:
    """Algorithms 12 and 13; with incoming edges the official program swaps a and b."""
    z = layer_norm(z, *norm_in)
    a = sigmoid(z @ a_gate) * (z @ a_weight)
    b = sigmoid(z @ b_gate) * (z @ b_weight)
    result = np.zeros((*z.shape[:2], out.shape[1]))
    for i in present:
        for j in present:
            if outgoing:
                total = sum(a[i, k] * b[j, k] for k in present)
            else:
                total = sum(b[k, i] * a[k, j] for k in present)
            result[i, j] = sigmoid(z[i, j] @ out_gate) * (layer_norm(total, *norm_out) @ out)
    return result


def triangle_attention(
    z: Array,
    present: Sequence[int],
    starting: bool,
    swapped_bias: bool,
    norm: tuple,
    bias: Array,
    query: Array,
    key: Array,
    value: Array,
    gate: Array,
    out: Array,
) -> Array:
    """Algorithms 14 and 15. Projections are [channel, head, width], the bias [channel, head].

    Around the ending node, the bias of an edge ik is that of ki in the paper (`swapped_bias`), its
    own in the official program.
    """
    z = layer_norm(z, *norm)
    num_heads, width = query.shape[1:]
    result = np.zeros((*z.shape[:2], out.shape[1]))
    for i in present:
        for j in present:
            heads = []
            for h in range(num_heads):
                if starting:
                    edges, others = [z[i, k] for k in present], [z[j, k] for k in present]
                else:
                    edges = [z[k, j] for k in present]
                    others = [z[k, i] if swapped_bias else z[i, k] for k in present]
                q = z[i, j] @ query[:, h]
                logits = [
                    q @ (edge @ key[:, h]) / np.sqrt(width) + other @ bias[:, h]
                    for edge, other in zip(edges, others, strict=True)
                ]
                mean = softmax(logits) @ [edge @ value[:, h] for edge in edges]
                heads.append(sigmoid(z[i, j] @ gate[:, h]) * mean)
            result[i, j] = np.concatenate(heads) @ out
    return result


def outer_product_mean(
    m: Array, rows: Sequence[int], norm: tuple, left: Array, right: Array, out: Array, bias: Array
) -> Array:
    """Algorithm 9. `out` is [left, right, channel].

    The official program divides the bias by the number of rows, too, and adds 0.001 to that.
    """
    m = layer_norm(m, *norm)
    num_tokens = m.shape[1]
    result = np.zeros((num_tokens, num_tokens, out.shape[2]))
    for i in range(num_tokens):
        for j in range(num_tokens):
            outer = sum(np.outer(m[s, i] @ left, m[s, j] @ right) for s in rows)
            result[i, j] = (np.tensordot(outer, out, 2) + bias) / (len(rows) + 1e-3)
    return result


def msa_averaging(
    m: Array,
    z: Array,
    present: Sequence[int],
    norm: tuple,
    pair_norm: tuple,
    bias: Array,
    value: Array,
    gate: Array,
    out: Array,
) -> Array:
    """Algorithm 10. Value and gate are [channel, head, width]."""
    m, z = layer_norm(m, *norm), layer_norm(z, *pair_norm)
    result = np.zeros((*m.shape[:2], out.shape[1]))
    for s in range(len(m)):
        for i in present:
            heads = []
            for h in range(value.shape[1]):
                weights = softmax([z[i, j] @ bias[:, h] for j in present])
                mean = weights @ [m[s, j] @ value[:, h] for j in present]
                heads.append(sigmoid(m[s, i] @ gate[:, h]) * mean)
            result[s, i] = np.concatenate(heads) @ out
    return result


def gated_attention(
    queries: Array,
    keys: Array,
    values: Array,
    gates: Array,
    attended: Sequence[Sequence[int]],
    biases: Sequence[Array],
) -> Array:
    """The core of algorithm 24: rows of queries attend to those rows of keys that they list.

    Arrays are [row, head, width]. `biases[i]` is [attended, head]. Returns heads side by side.
    """
    num_heads, width = queries.shape[1:]
    rows = []
    for i, (seen, bias) in enumerate(zip(attended, biases, strict=True)):
        heads = []
        for h in range(num_heads):
            logits = [queries[i, h] @ keys[j, h] / np.sqrt(width) for j in seen] + bias[:, h]
            heads.append(sigmoid(gates[i, h]) * (softmax(logits) @ [values[j, h] for j in seen]))
        rows.append(np.concatenate(heads))
    return np.array(rows)


def adaptive_layer_norm(
    a: Array, s: Array, s_scale: Array, scale: Array, scale_bias: Array, offset: Array
) -> Array:
    """Algorithm 26."""
    s = layer_norm(s, s_scale)
    return sigmoid(s @ scale + scale_bias) * layer_norm(a) + s @ offset


def conditioned_transition(
    a: Array,
    s: Array,
    norm: tuple,
    gate: Array,
    value: Array,
    out: Array,
    out_gate: Array,
    out_gate_bias: Array,
) -> Array:
    """Algorithm 25."""
    a = adaptive_layer_norm(a, s, *norm)
    return sigmoid(s @ out_gate + out_gate_bias) * ((swish(a @ gate) * (a @ value)) @ out)


def atom_window(atom: int, num_atoms: int, queries: int, keys: int, moved: bool) -> list[int]:
    """The atoms that an atom attends to (algorithm 7), -1 for each empty one.

    Windows are centred on blocks of queries. The official program has them `moved` to lie within
    the atoms if they reach over an end; with too few atoms, empty ones take the rest of a window.
    """
    start = atom // queries * queries - (keys - queries) // 2
    if moved and start < 0:
        start = 0
    elif moved and start + keys > num_atoms:
        start = num_atoms - keys
    return [a if 0 <= a < num_atoms else -1 for a in range(start, start + keys)]


def distance_bin(distance: float) -> int | None:
    """The template distogram's bin, None outside: 1.25 Å wide from 3.25 Å, the last to 10⁴ Å."""
    edges = [3.25 + 1.25 * k for k in range(39)] + [1e4]
    inside = [k for k in range(39) if edges[k] < distance < edges[k + 1]]
    return inside[0] if inside else None


def unit_vector(frame_atoms: Array, other_alpha: Array) -> Array:
    """Where an alpha carbon lies, seen from the frame of a residue's N, CA and C (algorithm 21)."""
    nitrogen, alpha, carbon = frame_atoms
    x = (carbon - alpha) / np.linalg.norm(carbon - alpha)
    y = (nitrogen - alpha) - ((nitrogen - alpha) @ x) * x
    y /= np.linalg.norm(y)
    rotation = np.stack([x, y, np.cross(x, y)], axis=1)
    local = rotation.T @ (other_alpha - alpha)
    length = np.linalg.norm(local)
    return local / length if length else local


def relative_position(i: dict, j: dict, largest: int, largest_chain: int) -> Array:
    """Algorithm 3 before its projection, for two tokens given by their indices.

    The official program tells the chain offset within an entity, the paper between any two chains.
    """

    def one_hot(offset: int, largest: int, meaningful: bool) -> Array:
        index = min(max(offset + largest, 0), 2 * largest) if meaningful else 2 * largest + 1
        return np.eye(2 * largest + 2)[index]

    same_chain, same_entity = i["asym_id"] == j["asym_id"], i["entity_id"] == j["entity_id"]
    same_residue = same_chain and i["residue_index"] == j["residue_index"]
    return np.concatenate(
        [
            one_hot(i["residue_index"] - j["residue_index"], largest, same_chain),
            one_hot(i["token_index"] - j["token_index"], largest, same_residue),
            [float(same_entity)],
            one_hot(i["sym_id"] - j["sym_id"], largest_chain, same_entity),
        ]
    )
