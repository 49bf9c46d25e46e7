// A doubly linked list through a member of its elements: no allocation, O(1) removal from the
// middle.
#pragma once

#include <cstddef>

namespace faas::inline v0::scheduler {

template <class T>
struct Link {
  T* previous = nullptr;
  T* next = nullptr;
};

// Borrows its elements. One Link is in one list at a time; who owns the element knows in which.
template <class T, Link<T> T::*link>
class List {
 public:
  bool empty() const { return front_ == nullptr; }
  std::size_t size() const { return size_; }
  T* front() const { return front_; }
  T* back() const { return back_; }

  void push_back(T& element) {
    (element.*link) = {back_, nullptr};
    (back_ ? (back_->*link).next : front_) = &element;
    back_ = &element;
    ++size_;
  }

  void push_front(T& element) {
    (element.*link) = {nullptr, front_};
    (front_ ? (front_->*link).previous : back_) = &element;
    front_ = &element;
    ++size_;
  }

  void erase(T& element) {
    auto [previous, next] = element.*link;
    (previous ? (previous->*link).next : front_) = next;
    (next ? (next->*link).previous : back_) = previous;
    (element.*link) = {};
    --size_;
  }

  T* pop_front() {
    T* element = front_;
    if (element) erase(*element);
    return element;
  }

  T* pop_back() {
    T* element = back_;
    if (element) erase(*element);
    return element;
  }

 private:
  T* front_ = nullptr;
  T* back_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace faas::inline v0::scheduler
