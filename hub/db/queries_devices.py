"""Boxes, and the accounts of the bus."""

from collections.abc import Sequence

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from hub.db.tables import BusAccount, Camera, Device


async def all_devices(db: AsyncSession) -> Sequence[Device]:
    return (await db.exec(select(Device).order_by(col(Device.id)))).all()


async def device(db: AsyncSession, box: str) -> Device | None:
    return await db.get(Device, box)


async def device_with_key(db: AsyncSession, nkey_public: str) -> Device | None:
    return (await db.exec(select(Device).where(col(Device.nkey_public) == nkey_public))).first()


async def devices_named(db: AsyncSession, boxes: Sequence[str]) -> Sequence[Device]:
    return (await db.exec(select(Device).where(col(Device.id).in_(boxes)))).all()


async def cameras_of(db: AsyncSession, boxes: Sequence[str]) -> Sequence[Camera]:
    return (await db.exec(select(Camera).where(col(Camera.box).in_(boxes)))).all()


async def account(db: AsyncSession, name: str) -> BusAccount | None:
    return await db.get(BusAccount, name)


async def put_account(db: AsyncSession, name: str, public_key: str, jwt: str, now_us: int) -> None:
    """Store what the bus is meant to hold."""
    await db.merge(BusAccount(name=name, public_key=public_key, jwt=jwt, updated_at_us=now_us))
