use super::*;

const HD: Wish = Wish {
    width: 1920,
    height: 1080,
    rate: (30, 1),
    rungs_max: None,
    total_kbps_max: None,
};

fn offered(uplink_kbps: u64, audience: u64, wish: Wish) -> String {
    let found = ladder(
        House {
            uplink_kbps,
            audience,
        },
        wish,
    );
    let rungs: Vec<String> = found
        .rungs
        .iter()
        .map(|rung| format!("{}x{}@{}", rung.width, rung.height, rung.kbps))
        .collect();
    format!(
        "{}{}",
        rungs.join(" "),
        if found.fits { "" } else { " too much" }
    )
}

#[test]
fn the_whole_audience_fits_on_every_rung() {
    for (uplink, audience, expected) in [
        (1_000_000, 100, "1920x1080@4500 960x540@1600 426x240@350"),
        (300_000, 100, "960x540@1600 852x480@1200 426x240@350"),
        (300_000, 30, "1920x1080@4500 960x540@1600 426x240@350"),
        (120_000, 100, "640x360@700 426x240@350"),
        (100_000, 100, "426x240@350"),
        (100_000, 150, "426x240@350"),
        (20_000, 100, "426x240@350 too much"),
        (5_000, 1, "1280x720@2500 852x480@1200 426x240@350"),
        (500, 100_000, "426x240@350 too much"),
    ] {
        let house = House {
            uplink_kbps: uplink,
            audience,
        };
        let found = ladder(house, HD);
        for rung in &found.rungs {
            let all = (rung.kbps + SOUND_KBPS) * audience;
            assert!(
                !found.fits || all <= uplink * 4 / 5,
                "{uplink} / {audience}: {rung:?}"
            );
        }
        assert_eq!(
            offered(uplink, audience, HD),
            expected,
            "{uplink} / {audience}"
        );
    }
}

#[test]
fn what_the_publisher_has_and_wants_is_kept() {
    let ample = |wish| offered(1_000_000, 10, wish);
    let small = Wish {
        width: 1280,
        height: 720,
        ..HD
    };
    assert_eq!(ample(small), "1280x720@2500 852x480@1200 426x240@350");
    let upright = Wish {
        width: 1080,
        height: 1920,
        ..HD
    };
    assert_eq!(ample(upright), "1080x1920@4500 540x960@1600 240x426@350");
    let fast = Wish {
        rate: (60, 1),
        ..HD
    };
    assert_eq!(ample(fast), "1920x1080@6750 960x540@2400 426x240@525");
    let ntsc = Wish {
        rate: (30_000, 1_001),
        ..HD
    };
    assert_eq!(ample(ntsc), ample(HD));
    let one = Wish {
        rungs_max: Some(1),
        ..HD
    };
    assert_eq!(ample(one), "1920x1080@4500");
    let two = Wish {
        rungs_max: Some(2),
        ..HD
    };
    assert_eq!(ample(two), "1920x1080@4500 426x240@350");
    let many = Wish {
        rungs_max: Some(u64::MAX),
        ..HD
    };
    assert_eq!(ample(many), ample(HD));
    let thin = Wish {
        total_kbps_max: Some(3_000),
        ..HD
    };
    assert_eq!(ample(thin), "960x540@1600 426x240@350");
    let thinner = Wish {
        total_kbps_max: Some(300),
        ..HD
    };
    assert_eq!(ample(thinner), "426x240@172");
    let tiny = Wish {
        width: 160,
        height: 121,
        ..HD
    };
    assert_eq!(ample(tiny), "160x120@350");
    let none = Wish {
        width: 0,
        height: 0,
        rate: (0, 0),
        ..HD
    };
    assert_eq!(ample(none), "2x2@350");
}
