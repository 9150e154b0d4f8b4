//! Why a rule decided.

use std::fmt;

use super::{Asked, Comparison, Decision, Rules, Surroundings};

/// A decision with everything that was compared on the way to it.
#[derive(Clone, Debug)]
pub struct Explanation<'a> {
    rules: &'a Rules,
    decision: Decision,
    comparisons: Vec<Comparison<'a>>,
    passed_over: Vec<Comparison<'a>>,
}

impl<'a> Explanation<'a> {
    pub(super) fn new(rules: &'a Rules, asked: &Asked<'a>, house: &Surroundings) -> Self {
        let decision = rules.decide(asked, house);
        let compared = |index: usize| {
            rules
                .as_slice()
                .get(index)
                .into_iter()
                .flat_map(|rule| rule.compare(asked, house))
        };
        let decided = usize::from(decision.rule);
        Self {
            rules,
            decision,
            comparisons: compared(decided).collect(),
            passed_over: (0..decided.min(rules.as_slice().len()))
                .filter_map(|index| compared(index).find(|comparison| !comparison.holds))
                .collect(),
        }
    }

    /// What was decided.
    #[must_use]
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// Id of the rule that decided.
    #[must_use]
    pub fn id(&self) -> &'a str {
        self.rules.id(self.decision.rule)
    }

    /// The conditions of the rule that decided, all of which hold.
    #[must_use]
    pub fn comparisons(&self) -> &[Comparison<'a>] {
        &self.comparisons
    }

    /// The rules before it, each with the first of its conditions that does not hold.
    pub fn passed_over(&self) -> impl Iterator<Item = (&'a str, &Comparison<'a>)> {
        (0..).map(|rule| self.rules.id(rule)).zip(&self.passed_over)
    }
}

impl fmt::Display for Explanation<'_> {
    /// One line: `edge: class is playlist, playlist; passed over a: viewers is 3, not above 100`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.id())?;
        for (index, comparison) in self.comparisons.iter().enumerate() {
            let between = if index == 0 { ": " } else { ", " };
            write!(out, "{between}{comparison}")?;
        }
        for (id, comparison) in self.passed_over() {
            write!(out, "; passed over {id}: {comparison}")?;
        }
        Ok(())
    }
}
