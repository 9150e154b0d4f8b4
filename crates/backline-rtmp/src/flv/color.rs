//! What the colours of a picture mean (Enhanced RTMP, "Metadata Frame").

use crate::amf0::{Properties, Value};
use alloc::string::String;
use alloc::vec::Vec;

const COLOR_INFO: &str = "colorInfo";
const COLOR_CONFIG: &str = "colorConfig";
const HDR_CLL: &str = "hdrCll";
const HDR_MDCV: &str = "hdrMdcv";

/// The colour of a track: what a metadata packet says under `colorInfo`. Each one replaces the one before.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ColorInfo {
    /// Bits of a colour component.
    pub bit_depth: Option<f64>,
    /// Colour primaries (ITU-T H.273).
    pub primaries: Option<f64>,
    /// Transfer characteristics (ITU-T H.273).
    pub transfer: Option<f64>,
    /// Matrix coefficients (ITU-T H.273).
    pub matrix: Option<f64>,
    /// Brightest frame on average, in cd/m2.
    pub max_fall: Option<f64>,
    /// Brightest pixel, in cd/m2.
    pub max_cll: Option<f64>,
    /// The display on which the picture was mastered.
    pub mastering: Option<Mastering>,
    /// What else stood there, as it came: object, name and value. The name is empty where no object stood, but a value.
    pub others: Vec<(String, String, Value)>,
}

/// The display on which a picture was mastered: CIE 1931 coordinates of red, green, blue and white, and luminance in
/// cd/m2.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Mastering {
    /// Coordinates of red.
    pub red: (Option<f64>, Option<f64>),
    /// Coordinates of green.
    pub green: (Option<f64>, Option<f64>),
    /// Coordinates of blue.
    pub blue: (Option<f64>, Option<f64>),
    /// Coordinates of white.
    pub white: (Option<f64>, Option<f64>),
    /// The brightest that it shows.
    pub luminance_max: Option<f64>,
    /// The darkest that it shows.
    pub luminance_min: Option<f64>,
}

impl ColorInfo {
    /// Reads the values of a metadata packet: names and values in turn. None, if they say nothing of colour, or take
    /// back what was said: the value is undefined or an empty object.
    #[must_use]
    pub fn read(values: &[Value]) -> Option<Self> {
        let mut pairs = values.chunks_exact(2);
        let info = pairs.find_map(|pair| match pair {
            [name, info] if name.as_str() == Some(COLOR_INFO) => Some(info),
            _ => None,
        })?;
        if info.properties().is_empty() {
            return None;
        }
        let mut color = Self::default();
        for (group, value) in info.properties() {
            if !is_group(value) {
                let whole = (group.clone(), String::new(), value.clone());
                color.others.push(whole);
            }
            for (name, value) in value.properties() {
                color.set(group, name, value);
            }
        }
        Some(color)
    }

    /// Writes the values of a metadata packet.
    #[must_use]
    pub fn to_values(&self) -> Vec<Value> {
        let number = |name: &str, value: Option<f64>| {
            value.map(|value| (String::from(name), Value::Number(value)))
        };
        let mut config: Properties = [
            number("bitDepth", self.bit_depth),
            number("colorPrimaries", self.primaries),
            number("transferCharacteristics", self.transfer),
            number("matrixCoefficients", self.matrix),
        ]
        .into_iter()
        .flatten()
        .collect();
        let light = [
            number("maxFall", self.max_fall),
            number("maxCLL", self.max_cll),
        ];
        let mut light: Properties = light.into_iter().flatten().collect();
        let mut mastering: Properties = match &self.mastering {
            Some(mastering) => MASTERING
                .iter()
                .filter_map(|(name, field)| number(name, *field(&mut mastering.clone())))
                .collect(),
            None => Properties::new(),
        };
        let mut more = Properties::new();
        for (group, name, value) in &self.others {
            let pair = (name.clone(), value.clone());
            match group.as_str() {
                _ if name.is_empty() && !is_group(value) => {
                    more.push((group.clone(), value.clone()))
                }
                COLOR_CONFIG => config.push(pair),
                HDR_CLL => light.push(pair),
                HDR_MDCV => mastering.push(pair),
                other => match more.iter_mut().find(|(known, _)| known == other) {
                    Some((_, Value::Object(properties))) => properties.push(pair),
                    _ => more.push((other.into(), Value::Object(alloc::vec![pair]))),
                },
            }
        }
        let groups = [
            (COLOR_CONFIG, config),
            (HDR_CLL, light),
            (HDR_MDCV, mastering),
        ];
        let info = groups
            .into_iter()
            .filter(|(_, group)| !group.is_empty())
            .map(|(name, group)| (name.into(), Value::Object(group)))
            .chain(more)
            .collect();
        alloc::vec![Value::String(COLOR_INFO.into()), Value::Object(info)]
    }

    fn set(&mut self, group: &str, name: &str, value: &Value) {
        let place = match (group, name) {
            (COLOR_CONFIG, "bitDepth") => &mut self.bit_depth,
            (COLOR_CONFIG, "colorPrimaries") => &mut self.primaries,
            (COLOR_CONFIG, "transferCharacteristics") => &mut self.transfer,
            (COLOR_CONFIG, "matrixCoefficients") => &mut self.matrix,
            (HDR_CLL, "maxFall") => &mut self.max_fall,
            (HDR_CLL, "maxCLL") => &mut self.max_cll,
            _ => {
                let field = MASTERING
                    .iter()
                    .find(|(known, _)| group == HDR_MDCV && *known == name);
                match (field, value.as_number()) {
                    (Some((_, field)), Some(number)) => {
                        *field(self.mastering.get_or_insert_default()) = Some(number);
                    }
                    _ => self.others.push((group.into(), name.into(), value.clone())),
                }
                return;
            }
        };
        match value.as_number() {
            Some(number) => *place = Some(number),
            None => self.others.push((group.into(), name.into(), value.clone())),
        }
    }
}

/// Returns whether a value is what stands under the name of a group.
fn is_group(value: &Value) -> bool {
    matches!(value, Value::EcmaArray(_) | Value::Object(_)) || !value.properties().is_empty()
}

/// The names of a mastering display's values, and their places.
type Field = fn(&mut Mastering) -> &mut Option<f64>;
const MASTERING: [(&str, Field); 10] = [
    ("redX", |mastering| &mut mastering.red.0),
    ("redY", |mastering| &mut mastering.red.1),
    ("greenX", |mastering| &mut mastering.green.0),
    ("greenY", |mastering| &mut mastering.green.1),
    ("blueX", |mastering| &mut mastering.blue.0),
    ("blueY", |mastering| &mut mastering.blue.1),
    ("whitePointX", |mastering| &mut mastering.white.0),
    ("whitePointY", |mastering| &mut mastering.white.1),
    ("maxLuminance", |mastering| &mut mastering.luminance_max),
    ("minLuminance", |mastering| &mut mastering.luminance_min),
];
