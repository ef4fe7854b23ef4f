//! Where one activity makes one session of two.
//!
//! In: the place of that activity in its user's list. Out: per advertiser, the edge from the last point on its left to
//! the first on its right instead of a new journey there.

use crate::fold::FoldMap;
use crate::labels::AdvertiserId;

use super::edge::START;
use super::journeys::Journeys;

impl Journeys<'_> {
    /// The activity at `seam` has made one session of two: per advertiser, the last point on the left now leads to
    /// the first one on the right.
    pub(super) fn join_sessions(&mut self, seam: usize) {
        let mut firsts: FoldMap<AdvertiserId, usize> = FoldMap::default();
        let in_session = |j: &Self, at: usize| at < j.list.len() && j.list.get(at).is_joined();
        let mut right = seam + 1;
        while in_session(self, right) {
            let entry = self.list.get(right);
            if entry.is_point() {
                firsts.entry(self.advertiser(entry)).or_insert(right);
            }
            right += 1;
        }
        for (advertiser, n) in firsts {
            if let Some(p) = self.previous_point(seam, advertiser) {
                self.join(p, n);
            }
        }
    }

    fn join(&mut self, p: usize, n: usize) {
        let (left, right) = (self.list.get(p), self.list.get(n));
        if left.is_conversion() {
            return;
        }
        let first = self.first_minute(p);
        self.arrive(-1, START, right, right.minute());
        self.arrive(1, self.label(left), right, first);
        self.shift(n, right.minute(), first);
    }
}
