# SPDX-License-Identifier: Apache-2.0
"""The parts that an SDF world is made of: shapes that are seen and touched, paint, inertia."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from coinfer_ros.sim.arena.inertia import Inertia
from coinfer_ros.sim.scene import Rgb


def add(parent: Element, tag: str, *values: float | str, **attributes: str) -> Element:
    """Add an element whose text is numbers, or a word."""
    element = SubElement(parent, tag, attributes)
    if values:
        element.text = " ".join(v if isinstance(v, str) else f"{v:.9g}" for v in values)
    return element


def box(length_m: float, width_m: float, height_m: float) -> Element:
    """Return a box; its origin is its middle."""
    shape = Element("box")
    add(shape, "size", length_m, width_m, height_m)
    return shape


def sphere(radius_m: float) -> Element:
    """Return a ball."""
    shape = Element("sphere")
    add(shape, "radius", radius_m)
    return shape


def cylinder(radius_m: float, length_m: float) -> Element:
    """Return a cylinder along z."""
    shape = Element("cylinder")
    add(shape, "radius", radius_m)
    add(shape, "length", length_m)
    return shape


def plane(length_m: float, width_m: float) -> Element:
    """Return a floor: touched everywhere, seen within its size."""
    shape = Element("plane")
    add(shape, "normal", 0.0, 0.0, 1.0)
    add(shape, "size", length_m, width_m)
    return shape


def paint(rgb: Rgb) -> Element:
    """Return a dull material of one colour.

    :param rgb: linear.
    """
    material, _ = _dull(rgb)
    return material


def picture(file_name: str) -> Element:
    """Return a dull material that shows a picture, found beside the world's file."""
    material, metal = _dull((1.0, 1.0, 1.0))
    add(metal, "albedo_map", file_name)
    return material


def _dull(rgb: Rgb) -> tuple[Element, Element]:
    """Return a material and where its pictures go."""
    # Linear colours are what Gazebo's renderer, ogre2, wants: it hands a material's colour to the
    # shader as it is, reads pictures as sRGB, and encodes what it has drawn as sRGB (gz-rendering
    # 8: SetDiffuse and texture flags in Ogre2Material.cc, the format in Ogre2RenderTarget.cc).
    material = Element("material")
    add(material, "ambient", *rgb, 1.0)
    add(material, "diffuse", *rgb, 1.0)
    add(material, "specular", 0.0, 0.0, 0.0, 1.0)
    metal = add(add(material, "pbr"), "metal")
    add(metal, "roughness", 1.0)
    add(metal, "metalness", 0.0)
    return material, metal


def body(
    link: Element,
    name: str,
    shape: Element,
    material: Element,
    *,
    friction: float,
    pose: tuple[float, ...] = (),
) -> None:
    """Add a shape to a link: touched and seen.

    :param friction: sliding, both ways along the surface.
    :param pose: in the link's frame: x, y, z in m, roll, pitch, yaw in rad; empty: the link's own.
    """
    for kind in ("collision", "visual"):
        element = add(link, kind, name=f"{name}_{kind}")
        if pose:
            add(element, "pose", *pose)
        add(element, "geometry").append(shape)
        if kind == "collision":
            coefficients = add(add(add(element, "surface"), "friction"), "ode")
            add(coefficients, "mu", friction)
            add(coefficients, "mu2", friction)
        else:
            element.append(material)


def still(world: Element, name: str, *pose: float) -> Element:
    """Add a model that does not move and return its link."""
    model = add(world, "model", name=name)
    add(model, "static", "true")
    add(model, "pose", *pose)
    return add(model, "link", name="link")


def weigh(link: Element, inertia: Inertia) -> None:
    """Add a link's mass and inertia."""
    element = add(link, "inertial")
    add(element, "pose", *inertia.centre_m, 0.0, 0.0, 0.0)
    add(element, "mass", inertia.mass_kg)
    tensor = add(element, "inertia")
    for row, first in enumerate("xyz"):
        for column, second in enumerate("xyz"):
            if row <= column:
                add(tensor, f"i{first}{second}", float(inertia.tensor[row, column]))
