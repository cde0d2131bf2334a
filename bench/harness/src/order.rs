//! [`order`]: who runs when in a round.

/// The order of `count` contenders in this round: a Williams design (E. J. Williams, 1949), in whose rounds each has every place once and comes behind every
/// other equally often. What one leaves behind for the next (a cold cache, a processor that slept) is shared by all so; rotating alone would leave each one
/// behind the same one.
pub fn order(count: usize, round: usize) -> impl Iterator<Item = usize> {
    // An odd count needs the mirrored rounds too.
    let mirrored = count % 2 == 1 && (round / count.max(1)) % 2 == 1;
    (0..count).map(move |place| {
        let place = if mirrored { count - 1 - place } else { place };
        // 0, 1, -1, 2, -2, …
        let zigzag = if place % 2 == 1 { place.div_ceil(2) } else { count - place / 2 };
        (zigzag + round) % count
    })
}

#[cfg(test)]
mod tests {
    use super::order;
    use std::collections::HashMap;

    #[test]
    fn each_has_every_place_and_every_predecessor_equally_often() {
        for count in 0..12 {
            let rounds = if count % 2 == 0 { count } else { 2 * count };
            let (mut places, mut pairs) = (HashMap::new(), HashMap::new());
            for round in 0..rounds {
                let order: Vec<usize> = order(count, round).collect();
                order.iter().copied().enumerate().for_each(|at| *places.entry(at).or_insert(0) += 1);
                order.windows(2).for_each(|pair| *pairs.entry((pair[0], pair[1])).or_insert(0) += 1);
            }
            let times = if count % 2 == 0 { 1 } else { 2 };
            assert_eq!(places.len(), count * count);
            assert_eq!(pairs.len(), count * count.saturating_sub(1));
            assert!(pairs.values().all(|seen| *seen == times), "{count}: {pairs:?}");
        }
    }
}
