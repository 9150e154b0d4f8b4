//! What makes a set of rules ambiguous or incomplete.

use super::condition::{Field, Wanted};
use super::{Class, Rule, Rules, Span};

/// Why a set of rules is refused. The caller, who knows the file, turns [`Self::rule`] into a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RulesError {
    /// Two of its fields exclude each other.
    #[error("rule {rule}: {field} contradicts {other}")]
    Contradictory {
        /// Index of the rule.
        rule: usize,
        /// One field.
        field: &'static str,
        /// The other one.
        other: &'static str,
    },
    /// Two rules have the same id.
    #[error("rule {rule} has the id of rule {first}")]
    DuplicateId {
        /// Index of the second one.
        rule: usize,
        /// Index of the first one.
        first: usize,
    },
    /// No such id can be shown in a header.
    #[error("rule {rule}: its id is not 1 to 32 of a-z, 0-9, -, _ and .")]
    Id {
        /// Index of the rule.
        rule: usize,
    },
    /// The last rule has conditions, so that no rule matches when they do not hold.
    #[error(
        "rule {rule} is the last one and has a condition on {field}: the last rule has to match everything"
    )]
    Incomplete {
        /// Index of the last rule.
        rule: usize,
        /// Name of its first condition.
        field: &'static str,
    },
    /// A condition that nothing can meet.
    #[error("rule {rule}: nothing can meet its conditions on {field}")]
    Never {
        /// Index of the rule.
        rule: usize,
        /// What it is about.
        field: &'static str,
    },
    /// There is no rule at all.
    #[error("there is no rule: the last rule has to match everything")]
    NoRules,
    /// More than [`Rules::MOST`].
    #[error("{rules} rules, more than the {} allowed", Rules::MOST)]
    TooMany {
        /// How many.
        rules: usize,
    },
    /// Whatever it matches was matched before.
    #[error("rule {rule} can never be reached: rule {by} matches what it matches")]
    Unreachable {
        /// Index of the rule.
        rule: usize,
        /// Index of the last of the earlier ones that together match all of it.
        by: usize,
    },
    /// RFC 9218 has 0 to 7.
    #[error("rule {rule}: urgency {urgency} is not 0 to 7")]
    Urgency {
        /// Index of the rule.
        rule: usize,
        /// What it says.
        urgency: u8,
    },
}

impl RulesError {
    /// Index of the rule to look at; `None` where it is about the set.
    #[must_use]
    pub const fn rule(&self) -> Option<usize> {
        match *self {
            Self::Contradictory { rule, .. }
            | Self::DuplicateId { rule, .. }
            | Self::Id { rule }
            | Self::Incomplete { rule, .. }
            | Self::Never { rule, .. }
            | Self::Unreachable { rule, .. }
            | Self::Urgency { rule, .. } => Some(rule),
            Self::NoRules | Self::TooMany { .. } => None,
        }
    }
}

pub(super) fn check(rules: &[Rule]) -> Result<(), RulesError> {
    if rules.len() > Rules::MOST {
        return Err(RulesError::TooMany { rules: rules.len() });
    }
    for (index, rule) in rules.iter().enumerate() {
        let earlier = rules.get(..index).unwrap_or_default();
        alone(index, rule)?;
        if let Some(first) = earlier.iter().position(|other| other.id == rule.id) {
            return Err(RulesError::DuplicateId { rule: index, first });
        }
        if let Some(by) = covered_by(rule, earlier) {
            return Err(RulesError::Unreachable { rule: index, by });
        }
    }
    let Some((last, before)) = rules.split_last() else {
        return Err(RulesError::NoRules);
    };
    match last.conditions().next() {
        None => Ok(()),
        Some((field, _)) => Err(RulesError::Incomplete {
            rule: before.len(),
            field: field.name(),
        }),
    }
}

/// What can be said of a rule without the others.
fn alone(index: usize, rule: &Rule) -> Result<(), RulesError> {
    let plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    if !(1..=32).contains(&rule.id.len()) || !rule.id.bytes().all(plain) {
        return Err(RulesError::Id { rule: index });
    }
    if let Some(urgency) = rule.urgency.filter(|urgency| *urgency > 7) {
        return Err(RulesError::Urgency {
            rule: index,
            urgency,
        });
    }
    if let Some(field) = impossible(rule) {
        return Err(RulesError::Never {
            rule: index,
            field: field.name(),
        });
    }
    match contradiction(rule) {
        None => Ok(()),
        Some((field, other)) => Err(RulesError::Contradictory {
            rule: index,
            field,
            other,
        }),
    }
}

/// A field whose bounds leave no number between them.
fn impossible(rule: &Rule) -> Option<Field> {
    let mut lower = None;
    for (field, wanted) in rule.conditions() {
        match wanted {
            Wanted::Above(least) => lower = Some((field, least)),
            Wanted::Below(0) => return Some(field),
            Wanted::Below(most) => {
                // The bounds of one field follow each other.
                let least = lower.filter(|(other, _)| *other == field);
                if least.is_some_and(|(_, least)| most <= least.saturating_add(1)) {
                    return Some(field);
                }
            }
            _ => {}
        }
    }
    None
}

/// Two settings, or a setting and a condition, that exclude each other.
fn contradiction(rule: &Rule) -> Option<(&'static str, &'static str)> {
    let kept = [
        ("ttl", rule.ttl.is_some()),
        ("default_ttl", rule.default_ttl.is_some()),
        ("neg_ttl", rule.neg_ttl.is_some()),
        ("stale", rule.stale.is_some()),
        ("stale_if_error", rule.stale_if_error.is_some()),
        (
            "stale_while_revalidate",
            rule.stale_while_revalidate.is_some(),
        ),
        ("pin", rule.pin == Some(true)),
        ("disk", rule.disk == Some(true)),
        ("evictor", rule.evictor.is_some()),
        ("prefetch", rule.prefetch == Some(true)),
        ("gzip", rule.gzip == Some(true)),
    ];
    let kept = |name: &str| {
        kept.iter()
            .find(|(other, set)| *set && (name.is_empty() || name == *other))
    };
    if rule.bypass == Some(true)
        && let Some((name, _)) = kept("")
    {
        return Some((name, "bypass"));
    }
    if rule.pin == Some(true) && rule.evictor.is_some() {
        return Some(("evictor", "pin"));
    }
    for other in ["stale_if_error", "stale_while_revalidate"] {
        if rule.stale.is_some() && kept(other).is_some() {
            return Some(("stale", other));
        }
    }
    // Nobody would be told of the failure, while the answer is already too old to be shown for it.
    if let (Some(error), Some(revalidate)) = (rule.stale_if_error, rule.stale_while_revalidate)
        && is_longer(revalidate, error)
    {
        return Some(("stale_while_revalidate", "stale_if_error"));
    }
    if rule.ttl.is_some() && rule.default_ttl.is_some() {
        return Some(("default_ttl", "ttl"));
    }
    let errors = rule.status.map(super::Statuses::are_errors);
    match errors {
        Some(true) => ["ttl", "default_ttl", "pin"]
            .into_iter()
            .find(|name| kept(name).is_some())
            .map(|name| (name, "status")),
        Some(false) if rule.neg_ttl.is_some() => Some(("neg_ttl", "status")),
        _ => None,
    }
}

/// Tells whether a span is longer than another for every target duration.
fn is_longer(a: Span, b: Span) -> bool {
    match (a, b) {
        (Span::Targets(a), Span::Targets(b)) => a > b,
        (Span::Time(a), Span::Time(b)) => a > b,
        _ => b.is_zero() && !a.is_zero(),
    }
}

/// An earlier rule because of which a rule can never be reached. Classes and held requests are looked at one by one,
/// so that several rules which together match all of them are found too.
fn covered_by(rule: &Rule, earlier: &[Rule]) -> Option<usize> {
    let mut by = None;
    let classes = Class::ALL.into_iter().map(Some).chain([None]);
    let asked = classes.filter(|class| match class {
        Some(class) => rule.class.is_empty() || rule.class.contains(class),
        None => rule.class.is_empty(),
    });
    for class in asked {
        for held in [false, true] {
            if rule.held.is_some_and(|only| only != held) {
                continue;
            }
            let first = earlier
                .iter()
                .position(|other| covers(other, rule, class, held))?;
            by = by.max(Some(first));
        }
    }
    by
}

/// Tells whether `other` matches whatever `rule` matches among objects of this class.
fn covers(other: &Rule, rule: &Rule, class: Option<Class>, held: bool) -> bool {
    other.conditions().all(|(field, wanted)| match wanted {
        Wanted::Class(classes) => class.is_some_and(|class| classes.contains(&class)),
        Wanted::Flag(flag) if field == Field::Held => flag == held,
        _ => rule
            .conditions()
            .any(|(theirs, narrower)| theirs == field && wanted.follows_from(&narrower)),
    })
}
