#![expect(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::Table;

proptest! {
    #[test]
    fn behaves_like_a_map(seed: u64, ops in prop::collection::vec((any::<bool>(), 0_u64..40, 0_u32..99), 0..400)) {
        let (mut table, mut model) = (Table::new(seed), BTreeMap::new());
        for (insert, key, value) in ops {
            let before = table.bytes();
            if insert {
                let growth = table.growth();
                table.insert(key, value);
                prop_assert!(table.bytes() <= before + growth);
                model.insert(key, value);
                prop_assert!(table.bytes() <= Table::bytes_for(model.len().max(40)));
            } else {
                prop_assert_eq!(table.remove(key), model.remove(&key));
            }
            for key in 0..40 {
                prop_assert_eq!(table.get(key), model.get(&key).copied());
            }
        }
    }
}
