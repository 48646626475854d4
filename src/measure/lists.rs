//! Lists of many owners, one after the other in one piece of memory: who stands where, who is tied to whom.

/// Lists of owners that are numbered from 0.
#[derive(Debug, Clone)]
pub struct Lists<T> {
    /// Where the list of each owner starts in `items`, and where the last one ends.
    starts: Vec<usize>,
    items: Vec<T>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { starts: vec![0], items: Vec::new() }
    }
}

impl<T: Copy + Default> Lists<T> {
    /// Lists of so many owners from entries that ascend by owner.
    pub fn ascending(owners: usize, entries: impl Iterator<Item = (u32, T)>) -> Self {
        let mut lists = Self { starts: Vec::with_capacity(owners + 1), items: Vec::new() };
        lists.starts.push(0);
        for (owner, item) in entries {
            lists.starts.resize(owner as usize + 1, lists.items.len());
            lists.items.push(item);
        }
        lists.starts.resize(owners + 1, lists.items.len());
        lists
    }

    /// Lists of so many owners from entries in any order, in which each list has its own.
    pub fn grouped(owners: usize, entries: impl Iterator<Item = (u32, T)> + Clone) -> Self {
        // First how many each owner has, then, entry by entry, where the next of each owner goes.
        let mut next = vec![0; owners + 1];
        entries.clone().for_each(|(owner, _)| next[owner as usize] += 1);
        let mut all = 0;
        for place in &mut next {
            all += std::mem::replace(place, all);
        }
        let mut items = vec![T::default(); all];
        for (owner, item) in entries {
            let place = &mut next[owner as usize];
            items[*place] = item;
            *place += 1;
        }
        // Each place has come to where the list of the next owner starts.
        next.rotate_right(1);
        next[0] = 0;
        Self { starts: next, items }
    }
}

impl<T> Lists<T> {
    /// Lists with room for so many owners and items, to be filled by [`Lists::push`].
    pub fn with_capacity(owners: usize, items: usize) -> Self {
        let mut starts = Vec::with_capacity(owners + 1);
        starts.push(0);
        Self { starts, items: Vec::with_capacity(items) }
    }

    /// Adds the list of the next owner.
    pub fn push(&mut self, list: impl IntoIterator<Item = T>) {
        self.items.extend(list);
        self.starts.push(self.items.len());
    }

    /// The number of owners.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The list of an owner; empty past the last.
    pub fn of(&self, owner: u32) -> &[T] {
        let owner = owner as usize;
        if owner < self.len() { &self.items[self.starts[owner]..self.starts[owner + 1]] } else { &[] }
    }

    /// All lists, by owner.
    pub fn iter(&self) -> impl Iterator<Item = &[T]> {
        self.starts.windows(2).map(|ends| &self.items[ends[0]..ends[1]])
    }

    /// The items of all owners.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// Where the list of an owner stands in `items`.
    pub fn range(&self, owner: u32) -> std::ops::Range<usize> {
        self.starts[owner as usize]..self.starts[owner as usize + 1]
    }
}

/// Numbers, each once, ascending.
pub fn ascending(numbers: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_the_same_lists() {
        let entries = [(1, 'a'), (1, 'b'), (3, 'c')];
        let ascending = Lists::ascending(5, entries.into_iter());
        let grouped = Lists::grouped(5, [(3, 'c'), (1, 'a'), (1, 'b')].into_iter());
        let wanted: [&[char]; 5] = [&[], &['a', 'b'], &[], &['c'], &[]];
        assert!(ascending.iter().eq(wanted) && grouped.iter().eq(wanted));
        assert_eq!((grouped.len(), grouped.of(3), grouped.of(9), grouped.range(1)), (5, &['c'][..], &[][..], 0..2));
        assert_eq!(Lists::<u8>::default().len(), 0);
        assert_eq!(Lists::<u8>::grouped(0, std::iter::empty()).len(), 0);
    }
}
