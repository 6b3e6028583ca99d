//! Members, few and many.

use super::*;

/// On both sides of the number that is few.
const COUNTS: [usize; 6] = [0, 1, FEW - 1, FEW, FEW + 1, 100];

fn object(count: usize) -> Members<u64> {
    (0..count).map(|n| (n.to_string(), n as u64)).collect()
}

#[test]
fn members_are_found_and_keep_their_order() {
    for count in COUNTS {
        let object = object(count);
        assert_eq!((object.len(), object.is_empty()), (count, count == 0));
        assert!(object.keys().eq((0..count).map(|n| n.to_string())));
        assert!((0..count).all(|n| object.get(&n.to_string()) == Some(&(n as u64))));
        assert!(!object.contains_key(&count.to_string()));
        assert!(object.clone().into_iter().eq((0..count).map(|n| (n.to_string(), n as u64))));
    }
}

#[test]
fn a_name_that_comes_again_keeps_its_place() {
    for count in [1, FEW, FEW + 1] {
        let mut object = object(count);
        assert_eq!(object.insert("0", 7_u64), Some(0));
        assert_eq!((object.len(), object.keys().next()), (count, Some("0")));
        assert_eq!(object.get("0"), Some(&7));
    }
}

#[test]
fn of_members_that_are_read_the_last_counts_in_the_place_of_the_first() {
    for count in COUNTS {
        let mut object = Members::default();
        for value in [1, 2] {
            for n in 0..count {
                let place = object.append(Str::from(n.to_string()));
                assert_eq!(*place, 0);
                *place = value;
            }
        }
        assert!(object.keys().eq((0..count).map(|n| n.to_string())) && object.values().all(|n| *n == 2));
    }
}

#[test]
fn a_name_is_kept_as_it_was_read() {
    let (mut object, place) = (Members::<u64>::default(), [b'x'; SHORT]);
    for length in 0..=SHORT {
        let mut name = Str::default();
        name.set_in_place(&place, length);
        object.append(name);
    }
    assert!(object.len() > FEW);
    assert_eq!(object.try_each(|name, _| name.plain_in_place().map(drop).ok_or(())), Ok(()));
}

#[test]
fn what_is_taken_out_leaves_the_others_in_order() {
    for count in [2, FEW, FEW + 1] {
        let mut object = object(count);
        assert_eq!(object.remove("0"), Some(0));
        assert_eq!(object.remove("0"), None);
        assert!(object.keys().eq((1..count).map(|n| n.to_string())));
    }
}

#[test]
fn equality_knows_no_order() {
    for count in COUNTS {
        let turned: Members<u64> = object(count).into_iter().collect::<Vec<_>>().into_iter().rev().collect();
        assert_eq!(object(count), turned);
        assert_ne!(object(count), object(count + 1));
    }
}

#[test]
fn values_can_be_changed() {
    for count in COUNTS {
        let mut object = object(count);
        object.values_mut().for_each(|value| *value = 0);
        *object.get_or_insert("new") = 0;
        assert!(object.values().all(|value| *value == 0));
        assert_eq!(object.len(), count + 1);
    }
}
