//! One rule: conditions, and what they lead to.

use super::condition::{Comparison, Field, Wanted};
use super::{Asked, Class, Evictor, Glob, Span, Statuses, Surroundings, Treatment, Uplink};

/// One rule. All of its conditions have to hold; one that is `None` (or an empty list) holds always. A setting
/// that is `None` leaves the default of the class, not that of a later rule.
///
/// In a file a class may stand alone or in a list, spans are texts such as `"6td"` and statuses
/// such as `404` or `"5xx"`. A field that is not listed here is an error.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Rule {
    /// Its name, which `Cache-Status` shows: 1 to 32 of `a-z`, `0-9`, `-`, `_`, `.`.
    pub id: Box<str>,

    /// Condition: the air is used more than this, in percent.
    pub air_above: Option<u8>,
    /// Condition: the air is used less than this, in percent.
    pub air_below: Option<u8>,
    /// Condition: the battery lasts longer than so many minutes.
    pub battery_min_above: Option<u32>,
    /// Condition: the battery lasts less than so many minutes.
    pub battery_min_below: Option<u32>,
    /// Condition: it is one of these.
    #[cfg_attr(
        feature = "serde",
        serde(
            default,
            deserialize_with = "one_or_more",
            skip_serializing_if = "Vec::is_empty"
        )
    )]
    pub class: Vec<Class>,
    /// Condition: more free space on the disk, in MB.
    pub disk_free_mb_above: Option<u64>,
    /// Condition: less free space on the disk, in MB.
    pub disk_free_mb_below: Option<u64>,
    /// Condition: the request may wait for the live edge, or may not.
    pub held: Option<bool>,
    /// Condition: more loss on the uplink, in percent.
    pub loss_above: Option<u8>,
    /// Condition: less loss on the uplink, in percent.
    pub loss_below: Option<u8>,
    /// Condition: the uplink costs by volume, or does not.
    pub metered: Option<bool>,
    /// Condition: its path is of this pattern.
    pub path: Option<Glob>,
    /// Condition: a longer round trip on the uplink, in milliseconds.
    pub rtt_ms_above: Option<u32>,
    /// Condition: a shorter round trip on the uplink, in milliseconds.
    pub rtt_ms_below: Option<u32>,
    /// Condition: the air counts as saturated, or does not.
    pub saturated: Option<bool>,
    /// Condition: the origin answered with one of these.
    pub status: Option<Statuses>,
    /// Condition: the uplink works, or does not.
    pub uplink: Option<Uplink>,
    /// Condition: more viewers than this.
    pub viewers_above: Option<u32>,
    /// Condition: fewer viewers than this.
    pub viewers_below: Option<u32>,

    /// Sets what it is, for paths of which the caller does not know; `as` in a file.
    #[cfg_attr(feature = "serde", serde(rename = "as"))]
    pub as_class: Option<Class>,
    /// Sets [`Treatment::bypass`].
    pub bypass: Option<bool>,
    /// Sets [`Treatment::default_ttl`].
    pub default_ttl: Option<Span>,
    /// Sets [`Treatment::disk`].
    pub disk: Option<bool>,
    /// Sets [`Treatment::evictor`].
    pub evictor: Option<Evictor>,
    /// Sets [`Treatment::gzip`].
    pub gzip: Option<bool>,
    /// Sets [`Air::max_kbps`](super::Air::max_kbps).
    pub max_kbps: Option<u32>,
    /// Sets [`Treatment::neg_ttl`].
    pub neg_ttl: Option<Span>,
    /// Sets [`Treatment::pin`].
    pub pin: Option<bool>,
    /// Sets [`Treatment::prefetch`].
    pub prefetch: Option<bool>,
    /// Sets [`Air::retry`](super::Air::retry).
    pub retry: Option<Span>,
    /// Sets both [`Treatment::stale_if_error`] and [`Treatment::stale_while_revalidate`].
    pub stale: Option<Span>,
    /// Sets [`Treatment::stale_if_error`].
    pub stale_if_error: Option<Span>,
    /// Sets [`Treatment::stale_while_revalidate`].
    pub stale_while_revalidate: Option<Span>,
    /// Sets [`Treatment::ttl`].
    pub ttl: Option<Span>,
    /// Sets [`Treatment::urgency`].
    pub urgency: Option<u8>,
    /// Sets [`Air::whole_segments`](super::Air::whole_segments).
    pub whole_segments: Option<bool>,
}

impl Rule {
    /// A rule that matches everything and sets nothing.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            air_above: None,
            air_below: None,
            battery_min_above: None,
            battery_min_below: None,
            class: Vec::new(),
            disk_free_mb_above: None,
            disk_free_mb_below: None,
            held: None,
            loss_above: None,
            loss_below: None,
            metered: None,
            path: None,
            rtt_ms_above: None,
            rtt_ms_below: None,
            saturated: None,
            status: None,
            uplink: None,
            viewers_above: None,
            viewers_below: None,
            as_class: None,
            bypass: None,
            default_ttl: None,
            disk: None,
            evictor: None,
            gzip: None,
            max_kbps: None,
            neg_ttl: None,
            pin: None,
            prefetch: None,
            retry: None,
            stale: None,
            stale_if_error: None,
            stale_while_revalidate: None,
            ttl: None,
            urgency: None,
            whole_segments: None,
        }
    }

    /// The conditions that there are: cheap ones first, so that most rules are passed over quickly.
    pub(super) fn conditions(&self) -> impl Iterator<Item = (Field, Wanted<'_>)> {
        let class = (!self.class.is_empty()).then_some(Wanted::Class(&self.class));
        [
            (Field::Class, class),
            (Field::Held, self.held.map(Wanted::Flag)),
            (Field::Status, self.status.map(Wanted::Status)),
            (Field::Air, above(self.air_above)),
            (Field::Air, below(self.air_below)),
            (Field::BatteryMin, above(self.battery_min_above)),
            (Field::BatteryMin, below(self.battery_min_below)),
            (Field::DiskFreeMb, above(self.disk_free_mb_above)),
            (Field::DiskFreeMb, below(self.disk_free_mb_below)),
            (Field::Loss, above(self.loss_above)),
            (Field::Loss, below(self.loss_below)),
            (Field::Metered, self.metered.map(Wanted::Flag)),
            (Field::RttMs, above(self.rtt_ms_above)),
            (Field::RttMs, below(self.rtt_ms_below)),
            (Field::Saturated, self.saturated.map(Wanted::Flag)),
            (Field::Uplink, self.uplink.map(Wanted::Uplink)),
            (Field::Viewers, above(self.viewers_above)),
            (Field::Viewers, below(self.viewers_below)),
            (Field::Path, self.path.as_ref().map(Wanted::Path)),
        ]
        .into_iter()
        .filter_map(|(field, wanted)| Some((field, wanted?)))
    }

    pub(super) fn compare<'a>(
        &'a self,
        asked: &Asked<'a>,
        house: &Surroundings,
    ) -> impl Iterator<Item = Comparison<'a>> {
        self.conditions().map(|(field, wanted)| {
            let value = field.value(asked, house);
            Comparison {
                field,
                holds: wanted.holds(&value),
                value,
                wanted,
            }
        })
    }

    pub(super) fn matches(&self, asked: &Asked<'_>, house: &Surroundings) -> bool {
        self.conditions()
            .all(|(field, wanted)| wanted.holds(&field.value(asked, house)))
    }

    /// What it comes to for something that it matches.
    pub(super) fn treatment(&self, index: u16, asked: &Asked<'_>) -> Treatment {
        let class = self.as_class.or(asked.class).unwrap_or(Class::Other);
        let span = |span: Option<Span>| span.map(|span| span.resolve(asked.target));
        let mut made = Treatment::new(class, asked.held, asked.target);
        made.air.max_kbps = self.max_kbps;
        made.air.retry = span(self.retry);
        made.air.whole_segments = self.whole_segments.unwrap_or(false);
        made.bypass = self.bypass.unwrap_or(made.bypass);
        made.default_ttl = span(self.default_ttl).unwrap_or(made.default_ttl);
        made.disk = self.disk.unwrap_or(made.disk);
        made.evictor = self.evictor.unwrap_or(made.evictor);
        made.gzip = self.gzip.unwrap_or(made.gzip);
        made.neg_ttl = span(self.neg_ttl);
        made.pin = self.pin.unwrap_or(made.pin);
        made.prefetch = self.prefetch.unwrap_or(made.prefetch);
        made.rule = index;
        made.stale_if_error = span(self.stale.or(self.stale_if_error));
        made.stale_while_revalidate = span(self.stale.or(self.stale_while_revalidate));
        made.ttl = span(self.ttl);
        made.urgency = self.urgency.unwrap_or(made.urgency);
        made
    }
}

fn above<'a>(least: Option<impl Into<u64>>) -> Option<Wanted<'a>> {
    least.map(|least| Wanted::Above(least.into()))
}

fn below<'a>(most: Option<impl Into<u64>>) -> Option<Wanted<'a>> {
    most.map(|most| Wanted::Below(most.into()))
}

/// Reads one class or a list of them.
#[cfg(feature = "serde")]
fn one_or_more<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Class>, D::Error> {
    use serde::Deserialize as _;
    use serde::de::value::StrDeserializer;
    use serde::de::{Error, SeqAccess, Visitor};

    struct Classes;

    impl<'de> Visitor<'de> for Classes {
        type Value = Vec<Class>;

        fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            out.write_str("a class or a list of classes")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Vec<Class>, E> {
            Class::deserialize(StrDeserializer::new(text)).map(|class| vec![class])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Class>, A::Error> {
            let mut classes = Vec::new();
            while let Some(class) = list.next_element()? {
                if classes.contains(&class) {
                    return Err(Error::custom("a class is listed twice"));
                }
                classes.push(class);
            }
            Ok(classes)
        }
    }

    deserializer.deserialize_any(Classes)
}
