//! AMF values that Py3AMF 0.9.1 wrote, and what it reads of ours.

use crate::foreign;
use crate::support::{hex, object, text};
use backline_rtmp::{Limits, amf0, amf3};

/// What the expressions below need. `e` is the version of AMF.
const SETUP: &str = "
import datetime, pyamf, sys
from pyamf import amf3, flex
from xml.etree import ElementTree
class Spot:
    class __amf__: static = ('x', 'y'); dynamic = False
    def __init__(self, x=0, y=0): self.x, self.y = x, y
class Dog:
    class __amf__: static = ('name',)
    def __init__(self, name='', age=0): self.name, self.age = name, age
pyamf.register_class(Spot, 'Spot')
pyamf.register_class(Dog, 'Dog')
def twice(value): return [value, value]
def loop():
    value = []
    value.append(value)
    return value
";

/// Expressions of Python, what `pyamf.encode(.., encoding=3)` makes of them, and what they mean.
#[expect(clippy::too_many_lines, reason = "a table")]
fn of_amf3() -> Vec<(&'static str, &'static str, amf3::Value)> {
    use amf3::Value::{Boolean, ByteArray, Date, Double, External, Integer, Null, String, Xml};
    let string = |text: &str| String(text.to_owned());
    let spot = |x, y| class("Spot", &[("x", x), ("y", y)], None);
    let again = |index, marker| amf3::Value::Reference { index, marker };
    let external = |class: &str, value| External {
        class: class.to_owned(),
        value: Box::new(value),
    };
    vec![
        ("-1e300", "05fe37e43c8800759c", Double(-1e300)),
        ("float('inf')", "057ff0000000000000", Double(f64::INFINITY)),
        (
            "'\\u00e9\\u20ac\\U0001f600'",
            "0613c3a9e282acf09f9880",
            string("\u{e9}\u{20ac}\u{1f600}"),
        ),
        (
            "{'a': {'b': [1.5, None, True]}}",
            "0a0b0103610a010362090701053ff800000000000001030101",
            // The second object has the traits of the first.
            class(
                "",
                &[],
                Some(&[(
                    "a",
                    class(
                        "",
                        &[],
                        Some(&[("b", list(vec![Double(1.5), Null, Boolean(true)]))]),
                    ),
                )]),
            ),
        ),
        (
            "['width', 'width', '', 'height', 'height']",
            "090b01060b776964746806000601060d6865696768740602",
            list(
                ["width", "width", "", "height", "height"]
                    .map(string)
                    .into(),
            ),
        ),
        (
            "[Spot(1, 2), Spot(3, Spot(5, 6))]",
            "0905010a230953706f7403780379040104020a0104030a0104050406",
            list(vec![
                spot(Integer(1), Integer(2)),
                spot(Integer(3), spot(Integer(5), Integer(6))),
            ]),
        ),
        (
            "Dog('rex', 3)",
            "0a1b07446f67096e616d65060772657807616765040301",
            class(
                "Dog",
                &[("name", string("rex"))],
                Some(&[("age", Integer(3))]),
            ),
        ),
        (
            "twice(datetime.datetime(2026, 11, 24, 12, 0, 0, 250000))",
            "0905010801427a20d6d5afa0000802",
            list(vec![Date(1_795_521_600_250.0), again(1, 0x08)]),
        ),
        (
            "datetime.datetime(1969, 12, 31)",
            "0801c194997000000000",
            Date(-86_400_000.0),
        ),
        (
            "twice(amf3.ByteArray(b'\\x00\\xff\\x80'))",
            "0905010c0700ff800c02",
            list(vec![ByteArray(hex("00ff80").into()), again(1, 0x0C)]),
        ),
        (
            "flex.ArrayCollection([1, 'a'])",
            "0a0743666c65782e6d6573736167696e672e696f2e4172726179436f6c6c656374696f6e0905010401060361",
            external(
                "flex.messaging.io.ArrayCollection",
                list(vec![Integer(1), string("a")]),
            ),
        ),
        (
            "flex.ObjectProxy({'a': 1})",
            "0a073b666c65782e6d6573736167696e672e696f2e4f626a65637450726f78790a0b010361040101",
            external(
                "flex.messaging.io.ObjectProxy",
                class("", &[], Some(&[("a", Integer(1))])),
            ),
        ),
        ("loop()", "0903010900", list(vec![again(0, 0x09)])),
        (
            "ElementTree.fromstring('<a><b/></a>')",
            "0b193c613e3c62202f3e3c2f613e",
            Xml("<a><b /></a>".to_owned()),
        ),
    ]
}

/// The same with `encoding=0`.
fn of_amf0() -> Vec<(&'static str, &'static str, amf0::Value)> {
    use amf0::Value::{
        Amf3, Boolean, Date, EcmaArray, Null, Number, Reference, StrictArray, TypedObject, Xml,
    };
    let pair = |name: &str, value| (name.to_owned(), value);
    let spot = |x, y| TypedObject("Spot".to_owned(), vec![pair("x", x), pair("y", y)]);
    let bytes = amf3::Value::ByteArray(hex("00ff80").into());
    vec![
        (
            "{'a': {'b': [1.5, None, True]}}",
            "03000161030001620a00000003003ff8000000000000050101000009000009",
            object(&[(
                "a",
                object(&[("b", StrictArray(vec![Number(1.5), Null, Boolean(true)]))]),
            )]),
        ),
        (
            "[Spot(1, 2), Spot(3, None)]",
            "0a0000000210000453706f74000178003ff0000000000000000179004000000000000000000009\
             10000453706f740001780040080000000000000001790500000 9",
            StrictArray(vec![
                spot(Number(1.0), Number(2.0)),
                spot(Number(3.0), Null),
            ]),
        ),
        (
            "datetime.datetime(1969, 12, 31)",
            "0bc1949970000000000000",
            Date(-86_400_000.0),
        ),
        (
            "pyamf.MixedArray({0: 'x', 1: 2, 'k': 'y'})",
            "08000000010001300200017800013100400000000000000000016b02000179000009",
            // Its count is that of the other names alone.
            EcmaArray(vec![
                pair("0", text("x")),
                pair("1", Number(2.0)),
                pair("k", text("y")),
            ]),
        ),
        // An AMF3 value, and AMF0 behind it.
        (
            "[amf3.ByteArray(b'\\x00\\xff\\x80'), None]",
            "0a00000002110c0700ff8005",
            StrictArray(vec![Amf3(Box::new(bytes)), Null]),
        ),
        (
            "loop()",
            "0a00000001070000",
            StrictArray(vec![Reference(0)]),
        ),
        (
            "ElementTree.fromstring('<a><b/></a>')",
            "0f0000000c3c613e3c62202f3e3c2f613e",
            Xml("<a><b /></a>".to_owned()),
        ),
    ]
}

fn list(dense: Vec<amf3::Value>) -> amf3::Value {
    let named = vec![];
    amf3::Value::Array { dense, named }
}

fn class(
    class: &str,
    sealed: &[(&str, amf3::Value)],
    dynamic: Option<&[(&str, amf3::Value)]>,
) -> amf3::Value {
    let owned = |properties: &[(&str, amf3::Value)]| {
        let each = properties.iter();
        each.map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect()
    };
    amf3::Value::Object {
        class: class.to_owned(),
        sealed: owned(sealed),
        dynamic: dynamic.map(owned),
    }
}

#[test]
fn rtmp_22_amf3_of_a_foreign_writer() {
    for (python, digits, value) in of_amf3() {
        let read = amf3::decode(&hex(digits), &Limits::default());
        assert_eq!(read, Ok(vec![value.clone()]), "{python}");
        let written = amf3::encode([&value]);
        let again = amf3::decode(&written, &Limits::default());
        assert_eq!(again, Ok(vec![value]), "{python}");
    }
}

#[test]
fn rtmp_22_amf0_of_a_foreign_writer() {
    for (python, digits, value) in of_amf0() {
        let read = amf0::decode(&hex(digits), &Limits::default());
        assert_eq!(read, Ok(vec![value]), "{python}");
    }
}

/// Sends the lines of `input` through a loop of Python, which has them in `line` and prints an answer.
fn played(each: &str, input: &[String]) -> Vec<Vec<u8>> {
    let script = format!("{SETUP}\nfor line in sys.stdin:\n    {each}\n");
    let answer = foreign::run(
        &foreign::python(),
        &["-c", &script],
        input.join("\n").as_bytes(),
    );
    let answer = String::from_utf8(answer).unwrap();
    answer.lines().map(hex).collect()
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
#[ignore = "needs py3amf"]
fn rtmp_22_py3amf_writes_these_bytes_and_reads_ours() {
    let (three, zero) = (of_amf3(), of_amf0());
    let three = three.into_iter().map(|(python, theirs, value)| {
        let ours = amf3::encode([&value]);
        (3, python, hex(theirs), digits(&ours))
    });
    let zero = zero.into_iter().map(|(python, theirs, value)| {
        let ours = amf0::encode([&value]);
        (0, python, hex(theirs), digits(&ours))
    });
    for version in [3, 0] {
        let all: Vec<_> = three.clone().chain(zero.clone()).collect();
        let (mut expressions, mut theirs, mut ours) = (vec![], vec![], vec![]);
        for (of, python, bytes, written) in all {
            if of == version {
                expressions.push(python.to_owned());
                theirs.push(bytes);
                ours.push(written);
            }
        }
        let write = format!("print(pyamf.encode(eval(line), encoding={version}).read().hex())");
        assert_eq!(played(&write, &expressions), theirs);
        // What it reads of ours, it writes again as it writes the expression.
        let read = format!(
            "print(pyamf.encode(next(pyamf.decode(bytes.fromhex(line), encoding={version})), \
             encoding={version}).read().hex())"
        );
        assert_eq!(played(&read, &ours), theirs);
    }
}
