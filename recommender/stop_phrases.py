"""Words of reporting and of method: how something was found out, not what it is about.

Frequent on a large site, they fall out by their frequency; a small one, and one that writes of many
kinds of studies, needs the lists.
"""

from __future__ import annotations

REPORTING = frozenset(
    """
    abstract aim aims analyses analysis appear appeared approach article articles assess
    assessed associated association author authors average background based baseline benefit
    benefits case cases cause caused change changed changes check checked choose cited clear
    clinical common compare compared comparison conclusion conclusions consider
    considerations control controls count counted cut data day days describe described
    design detail details difference differences early effect effects end evaluate evaluated
    evidence examined existence expect expected experiment factor factors figure figures
    finding findings follow followed future half hand happen held help helped helps high
    higher hour hours hundred identify improve improved include included including increase
    increased indicate individual individuals investigate kept key known lack large larger
    late later lead leads leave led left less level levels likely limit limitation
    limitations limited literature living long longer look looked lot low lower main makes
    mean measure measured measurements measures method methods minute minutes model month
    months note novel number numbers objective observed outcome outcomes pair paper part
    participants parts patient patients people percent period person persons place places
    play point position possible potential present previous probably proportion provide
    purpose question range rare rate rates ratio read reader readers reason recent record
    recorded recording records reduce reduced relate related relation remain report reported
    reports research researcher researchers result results review reviewed risk role said
    sample score scores see seen series set short show showed shown side sign significant
    significantly similar simple single small smaller sort start started stay stayed step
    studied studies study subject subjects suggest suggests summary support surprised
    takeaway team tell tend term terms test tested tests thing things third thirds time
    times tool total treatment treatments trial trials turn turned twice type types
    understand unknown use used users uses using value values vary versus way week weeks
    work works worth year years young
    """.split()
)
"""No phrase holds one of them."""

METHOD = frozenset(
    """
    case-control ci cochrane cohort cohorts controlled cross-sectional double-blind embase icc iqr
    longitudinal mann-whitney medline meta-analyses meta-analysis meta-regression multicenter
    multicentre multivariable multivariate observational open-label placebo-controlled pooled
    population-based prospective prospectively pubmed randomised randomization randomized rct rcts
    retrospective retrospectively scoping scopus searched single-blind statistically systematic
    systematically univariate
    """.split()
)
"""A phrase that holds one of them stands behind those that say what an article is about."""
