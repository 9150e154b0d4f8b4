//! Rules as data: how each object is treated, by what it is and by how things stand in the house.
//!
//! The first rule that matches decides. The last one matches everything, so that there always is one. The same
//! inputs always give the same answer, and [`Rules::explain`] says why.
//!
//! ```
//! use std::time::Duration;
//!
//! use backline_cache::rules::{Asked, Class, Rule, Rules, Surroundings};
//!
//! let mut pages = Rule::new("pages-on-battery");
//! pages.class = vec![Class::Page];
//! pages.battery_min_below = Some(20);
//! pages.ttl = Some("10m".parse()?);
//! let rules = Rules::new(vec![pages, Rule::new("rest")])?;
//!
//! let mut asked = Asked::new("/shop/index.html", Duration::from_secs(4));
//! asked.class = Some(Class::Page);
//! let mut house = Surroundings::default();
//! house.battery_min = Some(12);
//! let decision = rules.decide(&asked, &house);
//! assert_eq!(rules.id(decision.rule), "pages-on-battery");
//! assert_eq!(decision.treatment.ttl, Some(Duration::from_secs(600)));
//!
//! house.battery_min = Some(45);
//! let why = rules.explain(&asked, &house).to_string();
//! assert_eq!(why, "rest; passed over pages-on-battery: battery_min is 45, not below 20");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod condition;
mod explain;
mod glob;
mod rule;
mod span;
mod status;
mod treatment;

use std::time::Duration;

pub use self::check::RulesError;
pub use self::condition::{Comparison, Field, Value, Wanted};
pub use self::explain::Explanation;
pub use self::glob::{Glob, GlobError};
pub use self::rule::Rule;
pub use self::span::{Span, SpanError};
pub use self::status::{Statuses, StatusesError};
pub use self::treatment::{Air, Class, Evictor, Treatment};

/// A checked, ordered list of rules: complete, and each of them can be reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    rules: Vec<Rule>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Asked<'a> {
    /// What it is, where the caller knows.
    pub class: Option<Class>,
    /// The request waits, or may wait, for the live edge.
    pub held: bool,
    /// Its path, without the query.
    pub path: &'a str,
    /// What the origin answered; `None` while nobody has asked it.
    pub status: Option<u16>,
    /// Target duration of the stream that it belongs to, for spans in `td`.
    pub target: Duration,
}

impl<'a> Asked<'a> {
    /// A path of which nothing else is known.
    #[must_use]
    pub const fn new(path: &'a str, target: Duration) -> Self {
        Self {
            class: None,
            held: false,
            path,
            status: None,
            target,
        }
    }
}

/// How things stand, as the caller last heard. A condition about something unknown does not hold.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct Surroundings {
    /// How much of the capacity of the air the room uses, in percent.
    pub air: Option<u8>,
    /// Minutes that the battery lasts; `None` on mains too.
    pub battery_min: Option<u32>,
    /// Free space on the disk, in MB.
    pub disk_free_mb: Option<u64>,
    /// Loss on the uplink, in percent.
    pub loss: Option<u8>,
    /// The uplink costs by volume.
    pub metered: Option<bool>,
    /// Round trip of the uplink, in milliseconds.
    pub rtt_ms: Option<u32>,
    /// The air counts as saturated, by whatever hysteresis the caller has.
    pub saturated: Option<bool>,
    /// Whether there is an uplink.
    pub uplink: Option<Uplink>,
    /// Viewers in the room.
    pub viewers: Option<u32>,
}

/// Whether the way to the origin works.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "lowercase")
)]
#[non_exhaustive]
pub enum Uplink {
    /// It does not.
    Down,
    /// It does.
    Up,
}

/// What was decided, and by which rule.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Decision {
    /// Index of the rule; as many rules were passed over.
    pub rule: u16,
    /// What it comes to.
    pub treatment: Treatment,
}

impl Rules {
    /// The most rules of a set. Each request may compare them all.
    pub const MOST: usize = 256;

    /// Checks a list of rules.
    ///
    /// # Errors
    ///
    /// Names the first rule that contradicts itself, can never be reached, has a bad id or bad
    /// urgency; or says that the last one does not match everything.
    pub fn new(rules: Vec<Rule>) -> Result<Self, RulesError> {
        check::check(&rules)?;
        Ok(Self { rules })
    }

    /// Decides how something is treated. Allocates nothing.
    #[must_use]
    pub fn decide(&self, asked: &Asked<'_>, surroundings: &Surroundings) -> Decision {
        let matched = (0..)
            .zip(&self.rules)
            .find(|(_, rule)| rule.matches(asked, surroundings));
        // The last rule matches everything, so that the other arm is never taken.
        matched.map_or_else(
            || {
                let class = asked.class.unwrap_or(Class::Other);
                Decision {
                    rule: Treatment::NO_RULE,
                    treatment: Treatment::new(class, asked.held, asked.target),
                }
            },
            |(index, rule)| Decision {
                rule: index,
                treatment: rule.treatment(index, asked),
            },
        )
    }

    /// Decides the same, and says what was compared.
    #[must_use]
    pub fn explain<'a>(
        &'a self,
        asked: &Asked<'a>,
        surroundings: &Surroundings,
    ) -> Explanation<'a> {
        Explanation::new(self, asked, surroundings)
    }

    /// The id of a rule; empty for an index that is none.
    #[must_use]
    pub fn id(&self, rule: u16) -> &str {
        self.rules
            .get(usize::from(rule))
            .map_or("", |rule| &rule.id)
    }

    /// The rules, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Rule] {
        &self.rules
    }
}
