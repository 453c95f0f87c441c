"""Statistics over plain numbers: every figure with its interval, its denominator and what is missing.

All functions are pure: sequences or arrays in, structs out. They know nothing of stores or episodes.
`docs/statistics.md` says which to use when.
"""

from turnwise.metrics.agreement import (
    Agreement,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    pearson,
    spearman,
)
from turnwise.metrics.bias import (
    LengthBias,
    PairAccuracy,
    PositionBias,
    length_bias,
    pair_accuracy,
    position_bias,
    self_preference,
)
from turnwise.metrics.calibration import (
    Confusion,
    RiskCoverage,
    Threshold,
    brier,
    confusion,
    expected_calibration_error,
    fit_threshold,
    reliability,
    risk_coverage,
    wrong_at,
)
from turnwise.metrics.curves import (
    Gap,
    SuccessCurve,
    Trend,
    gap_by_distance,
    success_curve,
    trend,
    turn_scores,
)
from turnwise.metrics.distributions import normal_quantile, t_quantile
from turnwise.metrics.intervals import (
    cluster_means,
    clustered_mean,
    clustered_proportion,
    mean,
    proportion,
    wilson,
)
from turnwise.metrics.paired import Comparison, compare
from turnwise.metrics.passk import pass_at_k, pass_at_k_of, pass_curve, pass_hat_k, pass_hat_k_of
from turnwise.metrics.power import difference_sd, minimum_detectable_effect, power_of, tasks_needed
from turnwise.metrics.resampling import (
    bootstrap,
    clustered_bootstrap,
    row_mean,
    row_median,
    weighted_bootstrap,
)
from turnwise.metrics.significance import (
    SignFlip,
    benjamini_hochberg,
    bonferroni,
    holm,
    mcnemar,
    mcnemar_chi_squared,
    sign_flip,
)
from turnwise.metrics.summary import Estimate
from turnwise.metrics.tables import ErrorRow, Share, Summary, error_table, stop_table, summarise
from turnwise.metrics.values import Joined, MetricError, join

__all__ = [
    "Agreement",
    "Comparison",
    "Confusion",
    "ErrorRow",
    "Estimate",
    "Gap",
    "Joined",
    "LengthBias",
    "MetricError",
    "PairAccuracy",
    "PositionBias",
    "RiskCoverage",
    "Share",
    "SignFlip",
    "SuccessCurve",
    "Summary",
    "Threshold",
    "Trend",
    "benjamini_hochberg",
    "bonferroni",
    "bootstrap",
    "brier",
    "cluster_means",
    "clustered_bootstrap",
    "clustered_mean",
    "clustered_proportion",
    "cohen_kappa",
    "compare",
    "confusion",
    "difference_sd",
    "error_table",
    "expected_calibration_error",
    "fit_threshold",
    "fleiss_kappa",
    "gap_by_distance",
    "holm",
    "join",
    "krippendorff_alpha",
    "length_bias",
    "mcnemar",
    "mcnemar_chi_squared",
    "mean",
    "minimum_detectable_effect",
    "normal_quantile",
    "pair_accuracy",
    "pass_at_k",
    "pass_at_k_of",
    "pass_curve",
    "pass_hat_k",
    "pass_hat_k_of",
    "pearson",
    "position_bias",
    "power_of",
    "proportion",
    "reliability",
    "risk_coverage",
    "row_mean",
    "row_median",
    "self_preference",
    "sign_flip",
    "spearman",
    "stop_table",
    "success_curve",
    "summarise",
    "t_quantile",
    "tasks_needed",
    "trend",
    "turn_scores",
    "weighted_bootstrap",
    "wilson",
    "wrong_at",
]
