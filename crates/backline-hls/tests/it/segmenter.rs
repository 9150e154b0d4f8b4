//! Rows SEG-1 to SEG-11, MUX-3 to MUX-7.

use backline_hls::{Config, Layout};

use crate::studio::{A0, AAC_44, AAC_48, M0, Script, Studio, V0};

fn muxed() -> Config {
    let mut config = Config::default();
    config.layout = Layout::Muxed;
    config
}

#[test]
fn seg_2_constant_rates_make_parts_of_whole_frames() {
    let rows = [
        ((30, 1), 20_100, 20_000),
        ((25, 1), 20_100, 20_000),
        ((50, 1), 20_100, 20_000),
        ((60, 1), 20_100, 20_000),
        ((24, 1), 20_934, 20_833),
        ((30_000, 1_001), 20_100, 20_020),
        ((60_000, 1_001), 20_100, 20_020),
        ((24_000, 1_001), 20_934, 20_854),
    ];
    for (rate, part_target, part) in rows {
        let mut studio = Studio::started(Config::default(), None);
        let gop = rate.0 / rate.1 * 2;
        studio.play(
            &Script {
                rate,
                gop,
                length_ms: 20_000,
                ..Script::silent()
            },
            0,
        );
        let media = &studio.playlists[&V0];
        assert_eq!(media.part_target, part_target, "{rate:?}");
        let parts: Vec<u64> = media
            .segments
            .iter()
            .flat_map(|s| &s.parts)
            .map(|p| p.units)
            .collect();
        let odd = parts
            .iter()
            .filter(|units| units.abs_diff(part) > 60)
            .count();
        println!("{rate:?} {parts:?}");
        // The last part of a segment may be short: 2 s of 23.976 frames/s are not a whole number of parts.
        assert!(odd <= media.segments.len(), "{rate:?}: {parts:?}");
    }
}

#[test]
fn sound_and_picture_in_step() {
    for record in [AAC_48, AAC_44] {
        let scale = if record == AAC_48 { 48_000 } else { 44_100 };
        for config in [Config::default(), muxed()] {
            let layout = config.layout;
            let mut studio = Studio::started(config, Some(record));
            studio.play(
                &Script {
                    sound: (scale, 1_024),
                    ..Script::default()
                },
                0,
            );
            println!("{}", studio.texts.values().cloned().collect::<String>());
            println!("{}", studio.multivariant().unwrap());
            let lead = if layout == Layout::Muxed { M0 } else { V0 };
            assert!(studio.points[&lead].1.msn >= 3);
            if layout == Layout::Separate {
                assert_eq!(studio.points[&V0].1, studio.points[&A0].1);
            }
            assert!(studio.warnings.is_empty(), "{:?}", studio.warnings);
        }
    }
}
