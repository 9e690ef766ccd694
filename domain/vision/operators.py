"""Which operators a generated network may consist of, and which words may stand in their arguments.

Left out on purpose: whatever reads memory by offsets (`as_strided`, `set_`), changes sizes in place
(`resize_`), gives sizes that depend on values (`nonzero`, `masked_select`, `unique`), reaches files,
storage, other libraries or code (`from_file`, custom and higher-order operators), or waits (`cuda`, `c10d`).
"""

from __future__ import annotations

import re

_LAYERS = """
conv1d.default conv1d.padding conv2d.default conv2d.padding conv3d.default conv3d.padding
conv_transpose1d.default conv_transpose2d.input conv_transpose3d.input convolution.default
linear.default bilinear.default embedding.default
batch_norm.default native_batch_norm.default _native_batch_norm_legit.default
_native_batch_norm_legit_functional.default instance_norm.default layer_norm.default group_norm.default
native_layer_norm.default native_group_norm.default rms_norm.default
max_pool1d.default max_pool2d.default max_pool2d_with_indices.default max_pool3d.default
avg_pool1d.default avg_pool2d.default avg_pool3d.default
adaptive_avg_pool1d.default adaptive_avg_pool2d.default adaptive_avg_pool3d.default
_adaptive_avg_pool2d.default adaptive_max_pool1d.default adaptive_max_pool2d.default
dropout.default dropout_.default feature_dropout.default feature_dropout_.default alpha_dropout.default
alpha_dropout_.default feature_alpha_dropout.default native_dropout.default
scaled_dot_product_attention.default
upsample_nearest1d.default upsample_nearest1d.vec upsample_nearest2d.default upsample_nearest2d.vec
upsample_bilinear2d.default upsample_bilinear2d.vec upsample_bicubic2d.default upsample_bicubic2d.vec
upsample_linear1d.default upsample_linear1d.vec _upsample_nearest_exact2d.vec
pixel_shuffle.default pixel_unshuffle.default channel_shuffle.default im2col.default col2im.default
grid_sampler.default affine_grid_generator.default
pad.default constant_pad_nd.default reflection_pad1d.default reflection_pad2d.default
replication_pad1d.default replication_pad2d.default
cosine_similarity.default pairwise_distance.default cdist.default
"""
_ACTIVATIONS = """
relu relu6 relu6_ leaky_relu leaky_relu_ elu elu_ selu selu_ celu celu_ gelu gelu_ silu silu_ mish mish_
hardtanh hardtanh_ hardswish hardswish_ hardsigmoid hardsigmoid_ sigmoid sigmoid_ tanh tanh_ relu_
softplus log_sigmoid prelu rrelu rrelu_ glu hardshrink softshrink threshold threshold_
rrelu_with_noise rrelu_with_noise_functional
"""
_ELEMENTWISE = """
abs abs_ neg neg_ exp exp_ expm1 log log_ log2 log10 log1p sqrt sqrt_ rsqrt rsqrt_ square square_ sin cos
tan atan asin acos sinh cosh erf erfc sign floor ceil round trunc frac floor_ ceil_ round_ trunc_ frac_ sign_
erf_ sin_ cos_ tan_ log2_ log1p_ expm1_ reciprocal reciprocal_ logical_not bitwise_not
isnan isinf isfinite nan_to_num positive clone detach detach_ alias lift_fresh lift_fresh_copy
logit sinc zero_ lerp.Scalar lerp.Tensor addcmul addcmul_ addcdiv addcdiv_ atan2 maximum minimum
logical_and logical_or logical_xor logaddexp hypot
clamp clamp.Tensor clamp_ clamp_min clamp_min_ clamp_max clamp_max_ clip
masked_fill.Scalar masked_fill.Tensor masked_fill_.Scalar masked_fill_.Tensor
fill.Scalar fill_.Scalar fill_.Tensor copy copy_ where.self where.ScalarOther where.ScalarSelf where.Scalar
pow.Tensor_Scalar pow.Tensor_Tensor pow.Scalar pow_.Scalar pow_.Tensor float_power.Tensor_Scalar
div.Tensor_mode div.Scalar_mode div_.Tensor_mode div_.Scalar_mode
add.Tensor add.Scalar add_.Tensor add_.Scalar sub.Tensor sub.Scalar sub_.Tensor sub_.Scalar
mul.Tensor mul.Scalar mul_.Tensor mul_.Scalar div.Tensor div.Scalar div_.Tensor div_.Scalar
rsub.Tensor rsub.Scalar remainder.Tensor remainder.Scalar fmod.Tensor fmod.Scalar
floor_divide floor_divide.Scalar true_divide.Tensor
eq.Tensor eq.Scalar ne.Tensor ne.Scalar lt.Tensor lt.Scalar le.Tensor le.Scalar gt.Tensor gt.Scalar
ge.Tensor ge.Scalar bitwise_and.Tensor bitwise_or.Tensor bitwise_xor.Tensor
"""
_REDUCTIONS = """
sum sum.dim_IntList mean mean.dim amax amin max max.dim max.other min min.dim min.other prod prod.dim_int
std std.dim std.correction var var.dim var.correction var_mean.dim var_mean.correction std_mean.correction
norm.Scalar norm.ScalarOpt_dim linalg_vector_norm argmax argmin cumsum cumprod logsumexp logcumsumexp
softmax.int _softmax log_softmax.int _log_softmax topk sort sort.stable argsort any any.dim all all.dim
median.dim linalg_norm count_nonzero
"""
_PRODUCTS = "matmul mm bmm mv dot addmm addmm_ baddbmm baddbmm_ einsum outer ger addbmm addmv kron tensordot"
_SHAPES = """
view reshape flatten.using_ints unflatten.int permute transpose.int transpose_ t numpy_T mT
swapaxes swapdims movedim.int movedim.intlist moveaxis.int moveaxis.intlist
squeeze squeeze.dim squeeze.dims squeeze_.dim unsqueeze unsqueeze_ expand expand_as view_as reshape_as
repeat repeat_interleave.self_int tile broadcast_to contiguous broadcast_tensors
cat concat stack hstack vstack dstack chunk split.Tensor split.sizes split_with_sizes tensor_split.sections
unbind.int select.int slice.Tensor narrow index.Tensor index_select gather take_along_dim
index_add scatter_add roll flip fliplr flipud rot90 diagonal diag_embed tril tril_ triu triu_
unfold unsafe_chunk unsafe_split.Tensor
select_scatter slice_scatter meshgrid meshgrid.indexing one_hot
type_as to.dtype to.dtype_layout to.device to.other _to_copy
"""
_MAKERS = """
zeros ones full empty.memory_format zeros_like ones_like full_like empty_like new_zeros new_ones new_full
new_empty arange arange.start arange.start_step linspace eye eye.m scalar_tensor
tril_indices triu_indices
"""
_RANDOM = """
rand rand_like randn randn_like bernoulli bernoulli.p bernoulli_.float bernoulli_.Tensor uniform_ normal_
native_dropout dropout dropout_ feature_dropout feature_dropout_ alpha_dropout alpha_dropout_
feature_alpha_dropout rrelu rrelu_ rrelu_with_noise
"""
_SIZES = "sym_size.int sym_numel"


def _named(words: str) -> frozenset[str]:
    """Full names; a name without an overload is its default."""
    return frozenset(f"aten.{word}" if "." in word else f"aten.{word}.default" for word in words.split())


RANDOM = _named(_RANDOM)
"""Those that draw from the generator (those of `DROPOUTS` only where their argument says so)."""
DROPOUTS = frozenset(name for name in RANDOM if "dropout" in name or "rrelu" in name)
_ARITHMETIC = (
    "add sub mul floordiv truediv mod neg max min getitem eq ne lt le gt ge int float floor ceil round"
)
NUMBERS = frozenset(f"int.{word}" for word in _ARITHMETIC.split())
"""Arithmetic on sizes, and taking one of an operator's several results."""
TENSORS = (
    _named(_LAYERS)
    | _named(_ACTIVATIONS)
    | _named(_ELEMENTWISE)
    | _named(_REDUCTIONS)
    | _named(_PRODUCTS)
    | _named(_SHAPES)
    | _named(_MAKERS)
    | _named(_SIZES)
    | RANDOM
)
ALLOWED = TENSORS | NUMBERS
FACTORIES = _named(
    """zeros ones full empty.memory_format arange arange.start arange.start_step linspace eye eye.m
    scalar_tensor tril_indices triu_indices rand randn"""
)
"""These make a tensor from nothing; they are rebuilt to make it where the images are."""
EMPTY = frozenset({"aten.empty.memory_format", "aten.new_empty.default", "aten.empty_like.default"})
"""These would show what memory held before; they are rebuilt as zeros."""

DTYPES = frozenset({"float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "int8", "bool"})
MEMORY_FORMATS = frozenset({"contiguous_format", "preserve_format", "channels_last"})
WORDS = frozenset(
    {"none", "tanh", "same", "valid", "floor", "trunc", "constant", "reflect", "replicate", "circular"}
    | {"mean", "sum", "ij", "xy"}
)
EQUATION = re.compile(r"[A-Za-z., >-]{3,60}")
"""What `einsum` may be told, its only argument that is not one of `WORDS`."""
