use super::frames;
use crate::peers::fragments::{Fragments, Mp4Atom, ShiguredoMp4, Transmux, verify};

fn every_part<F: Fragments>() {
    for count in [1, 6] {
        let frames = frames(count);
        let mut writer = F::new(&frames);
        for sequence in 1..4_u32 {
            let decode_time = u64::from(sequence - 1) * count as u64 * 3000;
            verify(
                &writer.part(sequence, decode_time),
                &frames,
                sequence,
                decode_time,
            );
        }
    }
}

#[test]
fn every_writer_writes_what_a_foreign_reader_reads() {
    every_part::<Mp4Atom>();
    every_part::<ShiguredoMp4>();
    every_part::<Transmux>();
}
