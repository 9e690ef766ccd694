"""The names that generated network code may use; everything else is refused by name (`domain.vision.gate`).

Whole modules are never listed, nor anything that reads, writes, loads, compiles, hooks or reaches a frame.
"""

from __future__ import annotations

_NN = """
Module Sequential ModuleList ModuleDict Parameter ParameterList ParameterDict Buffer Identity Flatten
Unflatten Linear Bilinear LazyLinear Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d
LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose2d BatchNorm1d BatchNorm2d BatchNorm3d LazyBatchNorm1d
LazyBatchNorm2d SyncBatchNorm InstanceNorm1d InstanceNorm2d LayerNorm GroupNorm RMSNorm LocalResponseNorm
MaxPool1d MaxPool2d MaxPool3d AvgPool1d AvgPool2d AvgPool3d AdaptiveAvgPool1d AdaptiveAvgPool2d
AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d LPPool2d FractionalMaxPool2d Dropout Dropout1d
Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout ReLU ReLU6 LeakyReLU PReLU RReLU ELU SELU CELU GELU
SiLU Mish Hardtanh Hardswish Hardsigmoid Hardshrink Sigmoid Tanh Tanhshrink Softplus Softshrink Softsign
LogSigmoid Softmax Softmax2d LogSoftmax Softmin GLU Threshold MultiheadAttention Transformer
TransformerEncoder TransformerEncoderLayer Embedding Upsample UpsamplingNearest2d UpsamplingBilinear2d
PixelShuffle PixelUnshuffle ChannelShuffle Fold Unfold ZeroPad2d ReflectionPad2d ReplicationPad2d
ConstantPad2d CosineSimilarity PairwiseDistance
"""
_INIT = """
uniform_ normal_ trunc_normal_ constant_ ones_ zeros_ eye_ dirac_ xavier_uniform_ xavier_normal_
kaiming_uniform_ kaiming_normal_ orthogonal_ sparse_ calculate_gain
"""
_FUNCTIONAL = """
relu relu_ relu6 leaky_relu leaky_relu_ prelu rrelu elu elu_ selu selu_ celu gelu silu mish hardtanh
hardtanh_ hardswish hardsigmoid hardshrink sigmoid tanh tanhshrink softplus softshrink softsign logsigmoid
softmax log_softmax softmin glu threshold normalize linear bilinear conv1d conv2d conv3d conv_transpose1d
conv_transpose2d conv_transpose3d batch_norm instance_norm layer_norm group_norm rms_norm
local_response_norm max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d
adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d lp_pool2d dropout dropout1d
dropout2d dropout3d alpha_dropout feature_alpha_dropout scaled_dot_product_attention embedding one_hot
interpolate upsample pixel_shuffle pixel_unshuffle channel_shuffle pad fold unfold grid_sample affine_grid
cosine_similarity pairwise_distance
"""
_TORCH = """
Tensor Size device dtype Generator float32 float16 bfloat16 float64 float half double int32 int64 int long
uint8 int8 bool contiguous_format channels_last preserve_format FloatTensor LongTensor tensor as_tensor
zeros ones full empty zeros_like ones_like full_like empty_like rand rand_like randn randn_like randint
randperm bernoulli arange linspace logspace eye tril_indices triu_indices manual_seed cat concat concatenate
stack hstack vstack chunk split unbind squeeze unsqueeze reshape flatten permute transpose swapaxes movedim
roll flip rot90 narrow gather index_select take_along_dim where masked_fill meshgrid broadcast_tensors
repeat_interleave tile tril triu diagonal diag diag_embed cumsum cumprod matmul mm bmm mv dot einsum outer
addmm baddbmm tensordot kron add sub mul div neg abs exp expm1 log log2 log10 log1p sqrt rsqrt square pow
sin cos tan tanh atan atan2 sinh cosh asin acos sigmoid relu relu_ softmax log_softmax erf sign floor ceil
round trunc frac reciprocal clamp clip maximum minimum lerp addcmul addcdiv logsumexp logaddexp nan_to_num
isnan isinf isfinite sum mean amax amin max min prod std var var_mean std_mean norm argmax argmin topk sort
argsort all any logical_and logical_or logical_not logical_xor eq ne lt le gt ge numel is_tensor
is_floating_point no_grad enable_grad pixel_shuffle channel_shuffle conv1d conv2d batch_norm layer_norm
group_norm dropout adaptive_avg_pool1d avg_pool1d max_pool2d cdist cosine_similarity inf nan pi true_divide
floor_divide remainder unflatten ravel
"""
_MATH = """
sqrt log log2 log10 log1p exp pow floor ceil trunc fabs prod gcd lcm sin cos tan tanh atan atan2 erf hypot
isqrt inf nan pi e tau isnan isinf isclose comb copysign fmod degrees radians
"""
_TYPING = """
Any Callable ClassVar Dict Final Generic Iterable Iterator List Literal Mapping Optional Sequence Set Tuple
Type TypeVar Union cast
"""


_MODELS = """
resnet18 resnet34 resnet50 wide_resnet50_2 resnext50_32x4d densenet121 densenet169 mobilenet_v2
mobilenet_v3_small mobilenet_v3_large shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5
shufflenet_v2_x2_0 efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_v2_s convnext_tiny
convnext_small vit_b_16 vit_b_32 swin_t swin_v2_t maxvit_t squeezenet1_0 squeezenet1_1 googlenet
inception_v3 mnasnet0_5 mnasnet1_0 regnet_y_400mf regnet_x_400mf regnet_y_800mf vgg11 vgg11_bn vgg13_bn
vgg16_bn alexnet
"""
_OPERATORS = """
StochasticDepth SqueezeExcitation DropBlock2d Permute MLP Conv2dNormActivation stochastic_depth drop_block2d
"""


def words(text: str) -> frozenset[str]:
    """Those of `text`, which blanks part."""
    return frozenset(text.split())


MODULES: dict[str, frozenset[str]] = {
    "torch": words(_TORCH),
    "torch.nn": words(_NN),
    "torch.nn.modules": words(_NN),
    "torch.nn.parameter": frozenset({"Parameter", "Buffer"}),
    "torch.nn.init": words(_INIT),
    "torch.nn.functional": words(_FUNCTIONAL),
    "torch.nn.utils": frozenset(),
    "torch.nn.utils.parametrizations": frozenset({"weight_norm", "spectral_norm"}),
    "torch.linalg": frozenset({"norm", "vector_norm"}),
    "torch.fft": frozenset(),
    "torchvision": frozenset(),
    "torchvision.models": words(_MODELS),
    "torchvision.ops": words(_OPERATORS),
    "math": words(_MATH),
    "typing": words(_TYPING),
    "collections": frozenset({"OrderedDict", "defaultdict"}),
    "collections.abc": frozenset({"Callable", "Iterable", "Iterator", "Mapping", "Sequence"}),
    "functools": frozenset({"partial", "reduce"}),
    "itertools": frozenset({"chain", "repeat", "product", "accumulate", "pairwise"}),
    "dataclasses": frozenset({"dataclass", "field"}),
    "__future__": frozenset({"annotations"}),
}
"""Module: the leaves that may be taken from it."""

BUILTINS = words("""
abs all any bool complex dict divmod enumerate filter float frozenset int isinstance issubclass iter len
list map max min next object pow print range repr reversed round set slice sorted staticmethod classmethod
property str sum super tuple zip callable getattr setattr hasattr type Exception ValueError TypeError
RuntimeError NotImplementedError KeyError IndexError AssertionError AttributeError ArithmeticError
ZeroDivisionError NotImplemented Ellipsis
""")
"""getattr, setattr, hasattr and type are given in a version that knows the attributes of networks only."""

METHODS_OF_CLASSES = words("__call__ __getitem__ __init__ __iter__ __len__ __post_init__ __repr__")

ATTRIBUTES = words("""
fc classifier features head heads conv1 bn1 maxpool avgpool layer1 layer2 layer3 layer4 conv_proj
view reshape view_as reshape_as flatten unflatten permute transpose t T mT squeeze unsqueeze expand
expand_as repeat repeat_interleave tile contiguous chunk split unbind narrow select roll flip index_select
gather masked_fill masked_fill_ scatter_add swapaxes movedim unfold tril triu diagonal mean sum std var max
min amax amin prod norm argmax argmin topk sort argsort any all cumsum softmax log_softmax logsumexp sigmoid
sigmoid_ tanh tanh_ relu relu_ exp log log2 log1p sqrt rsqrt square pow abs neg sin cos clamp clamp_
clamp_min clamp_max clip add add_ sub sub_ mul mul_ div div_ floor floor_ ceil round sign reciprocal matmul
mm bmm addmm lerp type_as to float half double int long bool bfloat16 clone detach detach_ requires_grad
requires_grad_ data grad shape size dim ndim numel dtype device item tolist zero_ fill_ copy_ uniform_
normal_ bernoulli_ bernoulli random_ new_zeros new_ones new_empty new_full new_tensor is_cuda is_contiguous
eq ne lt le gt ge logical_and logical_not erf_ erfinv_ element_size type is_floating_point nan_to_num ravel
stride forward parameters named_parameters modules named_modules children named_children buffers
named_buffers train eval apply register_buffer register_parameter add_module register_module get_submodule
get_parameter weight bias in_features out_features in_channels out_channels kernel_size padding groups
dilation num_features eps momentum affine running_mean running_var num_batches_tracked training p inplace
negative_slope normalized_shape embed_dim num_heads head_dim in_proj_weight in_proj_bias out_proj
track_running_stats reset_parameters layers output_size extra_repr zero_grad padding_mode start_dim end_dim
num_embeddings embedding_dim self_attn linear1 linear2 append extend insert pop remove reverse index count
copy items keys values get update setdefault clear popitem union join startswith endswith lower upper strip
lstrip rstrip replace isdigit move_to_end from_iterable func args keywords real imag as_integer_ratio
bit_length is_integer setter fromkeys finfo iinfo
""")
"""Of tensors, layers, lists, dictionaries, texts, and of what `math` and `functools` give."""

CHANGEABLE = words("""
weight bias data grad requires_grad training p inplace eps momentum running_mean running_var layers
num_batches_tracked num_heads head_dim padding padding_mode groups dilation kernel_size out_proj
in_proj_weight in_proj_bias fc classifier features head heads conv1 bn1 maxpool avgpool layer1 layer2 layer3
layer4 conv_proj out_features in_features real imag
""")
"""Those of `ATTRIBUTES` that a program may give to objects other than `self`."""
